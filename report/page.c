#include "report/page.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "report/page_files.h" /* page.css and page.js, by make */

#include <string.h>

enum { LARGEST_IMAGE = 8 << 20 };

void dp_page_add_escaped(dp_text *t, const char *text)
{
    const char *plain = text;
    for (const char *p = text;; p++) {
        const char *entity = *p == '<'    ? "&lt;"
                             : *p == '>'  ? "&gt;"
                             : *p == '&'  ? "&amp;"
                             : *p == '"'  ? "&quot;"
                             : *p == '\'' ? "&#39;"
                                          : NULL;
        if (*p && !entity)
            continue;
        dp_text_add(t, "%.*s%s", (int)(p - plain), plain, entity ? entity : "");
        plain = p + 1;
        if (!*p)
            return;
    }
}

void dp_page_add_base64(dp_text *t, const unsigned char *data, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { GROUPS = 256 };
    char line[4 * GROUPS + 1];
    size_t n = 0;
    for (size_t i = 0; i < size; i += 3) {
        const unsigned more1 = i + 1 < size ? data[i + 1] : 0u;
        const unsigned more2 = i + 2 < size ? data[i + 2] : 0u;
        const unsigned v = (unsigned)data[i] << 16 | more1 << 8 | more2;
        line[n++] = digits[v >> 18];
        line[n++] = digits[v >> 12 & 63];
        line[n++] = i + 1 < size ? digits[v >> 6 & 63] : '=';
        line[n++] = i + 2 < size ? digits[v & 63] : '=';
        if (n == sizeof line - 1 || i + 3 >= size) {
            line[n] = '\0';
            dp_text_add(t, "%s", line);
            n = 0;
        }
    }
}

static const char *media_type(const unsigned char *data, size_t size)
{
    if (size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return "image/jpeg";
    if (size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    return NULL;
}

bool dp_page_add_image(dp_text *t, const char *folder, const char *name)
{
    dp_error err = {0};
    dp_text path = {.err = &err};
    unsigned char *data = NULL;
    size_t size = 0;
    if (!dp_path_stays_inside(name))
        return false;
    dp_text_add(&path, "%s/%s", folder, name);
    bool ok =
        path.status == DP_OK &&
        dp_file_load(&err, &data, &size, dp_text_get(&path), LARGEST_IMAGE) == DP_OK;
    const char *type = ok ? media_type(data, size) : NULL;
    if (type) {
        dp_text_add(t, "<img alt=\"\" src=\"data:%s;base64,", type);
        dp_page_add_base64(t, data, size);
        dp_text_add(t, "\">");
    }
    dp_free(data);
    dp_text_done(&path);
    return type != NULL;
}

dp_status dp_page_save(dp_error *err, const char *folder, const char *name,
                       const dp_text *t)
{
    dp_text path = {.err = err};
    dp_atomic_file f = {0};
    if (t->status != DP_OK)
        return t->status;
    dp_text_add(&path, "%s/%s", folder, name);
    dp_status st = path.status;
    if (st == DP_OK)
        st = dp_atomic_file_open(err, &f, dp_text_get(&path));
    if (st == DP_OK) {
        (void)dp_atomic_file_write(err, &f, dp_text_get(t), t->size);
        st = dp_atomic_file_commit(err, &f);
    }
    dp_text_done(&path);
    return st;
}

void dp_page_open(dp_text *t, const char *title, const char *name)
{
    dp_text_add(
        t,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n<title>%s ",
        title);
    dp_page_add_escaped(t, name);
    dp_text_add(t, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", page_css);
}

void dp_page_close(dp_text *t)
{
    dp_text_add(t, "<script>\n%s</script>\n</body>\n</html>\n", page_js);
}
