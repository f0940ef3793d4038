/* eval_lists.h - the lists on the command line of `densepred eval`
 *
 * Each function gives a list that is the caller's to dp_free, also after a failure. It
 * returns DP_OPTIONS_GO_ON, or an exit status after saying what is wrong with the text of
 * `option`. What a list may hold is the library's to say.
 */
#ifndef DP_CLI_EVAL_LISTS_H
#define DP_CLI_EVAL_LISTS_H

#include "densepred/eval.h"

typedef enum dp_list_kind { DP_LIST_INT, DP_LIST_INT64, DP_LIST_DOUBLE } dp_list_kind;

/* "1,2,3": *count numbers of that kind at *list. */
int dp_eval_parse_list(const char *option, const char *text, dp_list_kind kind,
                       void **list, size_t *count);

/* "0.5,0.75", or FIRST:LAST:STEP as numpy.linspace makes it: doubles. */
int dp_eval_parse_thresholds(const char *option, const char *text, double **list,
                             int *count);

/* "all:0:1e10,small:0:1024"; the names follow behind the list, in the same memory. */
int dp_eval_parse_areas(const char *option, const char *text, dp_area_range **list,
                        int *count);

#endif
