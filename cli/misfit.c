#include "cli/misfit.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

enum { MOST_PARTS = 20 };

void dp_misfit_add_backbone(dp_text *out, const dp_fit *fit)
{
    dp_text_add(out, "%s", fit->type ? fit->type : "of no known family");
    for (const cJSON *v = fit->backbone ? fit->backbone->child : NULL; v; v = v->next) {
        char *json = cJSON_PrintUnformatted(v);
        dp_text_add(out, ", %s %s", v->string, json ? json : "");
        cJSON_free(json);
    }
}

/* A part of a model: its tensors' names begin alike. */
typedef struct part {
    const char *name; /* borrowed */
    size_t size;
    size_t counts[3]; /* by dp_mismatch_kind */
} part;

/* Up to the first point; of a "roi_head" up to the second. */
static size_t part_size(const char *name)
{
    size_t size = strcspn(name, ".");
    if (strncmp(name, "roi_head.", 9) == 0)
        size += 1 + strcspn(name + size + 1, ".");
    return size;
}

/* How many parts there are. */
static size_t gather(part parts[MOST_PARTS], const dp_mismatches *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        const dp_mismatch *x = &m->list[i];
        const size_t size = part_size(x->name);
        size_t at = 0;
        while (at < count &&
               (parts[at].size != size || strncmp(parts[at].name, x->name, size) != 0))
            at++;
        if (at == MOST_PARTS)
            continue;
        if (at == count)
            parts[count++] = (part){.name = x->name, .size = size};
        parts[at].counts[x->kind]++;
    }
    return count;
}

int dp_misfit_say(const char *checkpoint, const dp_fit *fit)
{
    dp_error err = {0};
    dp_text text = {.err = &err};
    part parts[MOST_PARTS];
    dp_misfit_add_backbone(&text, fit);
    if (text.status != DP_OK)
        return dp_cli_fail(&err, DP_SUBJECT_MODEL);
    dp_cli_say("%s: no shipped config fits; the backbone is %s%s%s", checkpoint,
               dp_text_get(&text), fit->nearest ? "; the nearest is " : "",
               fit->nearest ? fit->nearest : "");
    dp_text_done(&text);
    const size_t count = gather(parts, &fit->mismatches);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr,
                "  not known: %.*s: %zu tensors missing, %zu of another shape, %zu "
                "unexpected\n",
                (int)parts[i].size, parts[i].name, parts[i].counts[DP_MISMATCH_MISSING],
                parts[i].counts[DP_MISMATCH_SHAPE],
                parts[i].counts[DP_MISMATCH_UNEXPECTED]);
    return DP_EXIT_MODEL;
}
