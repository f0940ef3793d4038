#include "eval/semantic_pairs.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/path.h"

/* Take over two owned paths, either of which may be NULL after a failure. */
static dp_status take(dp_error *err, dp_semantic_pairs *p, char *truth,
                      char *prediction, dp_status st)
{
    if (st == DP_OK)
        st = dp_grow(err, &p->list, &p->capacity, p->count + 1, sizeof *p->list,
                     "pairs of label maps");
    if (st == DP_OK) {
        p->list[p->count++] =
            (dp_semantic_pair){.truth = truth, .prediction = prediction};
    } else {
        dp_free(truth);
        dp_free(prediction);
    }
    return st;
}

dp_status dp_semantic_pairs_add(dp_error *err, dp_semantic_pairs *pairs,
                                const char *truth, const char *prediction)
{
    char *t = NULL, *p = NULL;
    dp_status st = dp_strdup(err, &t, truth);
    if (st == DP_OK)
        st = dp_strdup(err, &p, prediction);
    return take(err, pairs, t, p, st);
}

static dp_status add_names(dp_error *err, dp_semantic_pairs *pairs,
                           const dp_folder_names *truths, const char *truth,
                           const char *prediction)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < truths->count && st == DP_OK; i++) {
        char *t = NULL, *p = NULL;
        st = dp_path_join(err, &t, truth, truths->name[i]);
        if (st == DP_OK)
            st = dp_path_join(err, &p, prediction, truths->name[i]);
        st = take(err, pairs, t, p, st);
    }
    return st;
}

static dp_status find_unpaired(dp_error *err, dp_semantic_pairs *p,
                               const dp_folder_names *truths,
                               const dp_folder_names *predictions, const char *folder)
{
    dp_status st = DP_OK;
    for (size_t i = 0; i < predictions->count && st == DP_OK; i++)
        if (!dp_folder_names_have(truths, predictions->name[i]) && p->unpaired++ == 0)
            st = dp_path_join(err, &p->first_unpaired, folder, predictions->name[i]);
    return st;
}

dp_status dp_semantic_pairs_load(dp_error *err, dp_semantic_pairs *pairs,
                                 const char *truth, const char *prediction)
{
    dp_folder_names truths = {0}, predictions = {0};
    dp_status st = dp_folder_list(err, &truths, truth, ".png");
    if (st == DP_OK && truths.count == 0)
        st =
            dp_fail(err, DP_EFORMAT, "%s: there is no .png file in this folder", truth);
    if (st == DP_OK)
        st = dp_folder_list(err, &predictions, prediction, ".png");
    if (st == DP_OK)
        st = add_names(err, pairs, &truths, truth, prediction);
    if (st == DP_OK)
        st = find_unpaired(err, pairs, &truths, &predictions, prediction);
    dp_folder_names_done(&truths);
    dp_folder_names_done(&predictions);
    return st;
}

void dp_semantic_pairs_done(dp_semantic_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        dp_free(pairs->list[i].truth);
        dp_free(pairs->list[i].prediction);
        dp_free(pairs->list[i].problem);
    }
    dp_free(pairs->list);
    dp_free(pairs->first_unpaired);
    *pairs = (dp_semantic_pairs){0};
}
