/* label_folders.h - two folders of label maps as pairs: the same name in both
 */
#ifndef DP_CLI_LABEL_FOLDERS_H
#define DP_CLI_LABEL_FOLDERS_H

#include "eval/semantic.h"

typedef struct dp_label_folders {
    dp_semantic_pair *pairs; /* sorted by name */
    size_t count;
    char **truths, **predictions; /* owned paths of the pairs             */
    size_t strays;                /* predictions without a truth                     */
    char *first_stray;            /* owned: the path of one of them; NULL: none      */
} dp_label_folders;

/* The PNG files of both folders. DP_EIO a folder cannot be read, DP_EFORMAT there is no
 * PNG file in the folder of truths, DP_ENOMEM; f is empty then. */
dp_status dp_label_folders_load(dp_error *err, dp_label_folders *f, const char *truth,
                                const char *prediction) DP_MUST_CHECK;
void dp_label_folders_done(dp_label_folders *f);

#endif
