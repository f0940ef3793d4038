#include "report/page.h"

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"

#include <string.h>

enum { LARGEST_IMAGE = 8 << 20 };

static const char style[] =
    ":root{--ink:#1c2733;--soft:#5b6875;--line:#d5dbe1;--blue:#1f5fa8;--red:#b3261e;"
    "--green:#2e7d4f;--amber:#8a5a00;--back:#fff;--tint:#f4f6f8}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--soft:#9fabb8;--line:#38434e;"
    "--blue:#7db4f0;--red:#f2938c;--green:#7cc99a;--amber:#e0b35a;--back:#14191f;"
    "--tint:#1d242c}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:70rem;padding:1rem;font:1rem/1.5 "
    "system-ui,sans-serif;"
    "color:var(--ink);background:var(--back)}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2.5rem 0 .5rem;"
    "border-bottom:1px solid var(--line)}h3{font-size:1.05rem;margin:1.75rem 0 "
    ".25rem}\n"
    "p{max-width:45rem}.soft{color:var(--soft)}code{overflow-wrap:anywhere}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--line);"
    "white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "thead th{background:var(--tint)}\n"
    "th button{all:unset;cursor:pointer;text-decoration:underline dotted}\n"
    "th button:focus-visible{outline:2px solid var(--blue)}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));"
    "gap:.6rem;padding:0;list-style:none}\n"
    ".cards li{background:var(--tint);border-radius:.4rem;padding:.5rem .9rem}\n"
    ".cards b{display:block;font-size:1.35rem}\n"
    "svg{max-width:100%;height:auto;display:block}svg "
    "text{fill:var(--ink);font-size:12px}\n"
    ".axis{stroke:var(--line);fill:none}\n"
    ".images{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));"
    "gap:1rem}\n"
    ".large{grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr))}\n"
    "figure{margin:0}figcaption{font-size:.85rem;overflow-wrap:anywhere}\n"
    ".shot{position:relative;background:var(--tint)}.shot "
    "img{width:100%;display:block}\n"
    ".shot svg{position:absolute;inset:0;width:100%;height:100%}\n"
    ".shot.bare svg{position:static}\n"
    ".key span{white-space:nowrap;margin-right:1rem}.key "
    "i{display:inline-block;width:1rem;"
    "height:.25rem;vertical-align:middle;margin-right:.35rem}\n";

/* Tables that ask for it are sorted by the column whose head is pressed. */
static const char script[] =
    "document.querySelectorAll('table.sorts').forEach(function(table){"
    "table.querySelectorAll('thead th').forEach(function(th,column){"
    "var button=document.createElement('button');button.textContent=th.textContent;"
    "th.textContent='';th.appendChild(button);"
    "button.addEventListener('click',function(){"
    "var down=th.getAttribute('aria-sort')!=='descending';"
    "table.querySelectorAll('th').forEach(function(h){h.removeAttribute('aria-sort')});"
    "th.setAttribute('aria-sort',down?'descending':'ascending');"
    "var body=table.tBodies[0],rows=Array.prototype.slice.call(body.rows);"
    "rows.sort(function(a,b){var "
    "x=a.cells[column].dataset.v,y=b.cells[column].dataset.v;"
    "var order=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;return down?-order:order});"
    "rows.forEach(function(row){body.appendChild(row)})})})})";

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

void dp_page_open(dp_text *t, const char *title)
{
    dp_text_add(
        t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, "
           "initial-scale=1\">\n<title>");
    dp_page_add_escaped(t, title);
    dp_text_add(t, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void dp_page_close(dp_text *t)
{
    dp_text_add(t, "<script>%s</script>\n</body>\n</html>\n", script);
}
