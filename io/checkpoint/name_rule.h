/* name_rule.h - one rule of a name map: how tensors of other names become one of ours
 *
 * {"from": PATTERN, "to": PATTERN} and what io/checkpoint/name_map.h says may stand beside them.
 */
#ifndef DP_IO_CHECKPOINT_NAME_RULE_H
#define DP_IO_CHECKPOINT_NAME_RULE_H

#include "core/named_tensor.h"

#include <cjson/cJSON.h>

enum {
    DP_NAME_RULE_HOLES = 8,  /* {x} in a pattern, and its *         */
    DP_NAME_RULE_PIECES = 4, /* tensors that are joined to one      */
    DP_NAME_RULE_AXES = 4    /* that the last axis is cut into      */
};

typedef struct dp_name_rule {
    const char *from[DP_NAME_RULE_PIECES], *to; /* of the document that was read */
    int pieces;
    bool squeeze, unsqueeze;
    int axes; /* 0: the last axis stays as it is */
    int64_t extents[DP_NAME_RULE_AXES];
    int order[DP_NAME_RULE_AXES];
} dp_name_rule;

/* What the holes of a pattern stand for in a name. */
typedef struct dp_name_match {
    struct {
        const char *key; /* of {key}; "*" for the rest */
        size_t key_size;
        const char *text;
        size_t size;
    } captures[DP_NAME_RULE_HOLES];
    int count;
} dp_name_match;

/* Read a rule, which keeps texts of `item`. DP_ECONFIG with the file. */
dp_status dp_name_rule_read(dp_error *err, dp_name_rule *r, const cJSON *item,
                            const char *path) DP_MUST_CHECK;

/* Which piece of the rule has the name, from 0, and its match; -1 for none. */
int dp_name_rule_match(const dp_name_rule *r, dp_name_match *m, const char *name);

/* The size of the name that a pattern and a match make; writes it, with its end, when
 * `out` is not NULL. */
size_t dp_name_expand(char *out, const char *pattern, const dp_name_match *m);

/* Whether the rule only renames, and gives another shape to the same bytes. */
bool dp_name_rule_keeps_bytes(const dp_name_rule *r);

/* The shape that the rule gives to its tensor: squeeze, unsqueeze. */
void dp_name_rule_shape(const dp_name_rule *r, dp_named_tensor *t);

/* The rule's tensor of its pieces: *whole has shape, type and dense strides, and a name
 * and data of its caller. With `data`, which has room for it, the elements are written
 * too. DP_EFORMAT: pieces that do not go together, a last axis that cannot be cut. */
dp_status dp_name_rule_make(dp_error *err, const dp_name_rule *r,
                            dp_named_tensor *whole, void *data,
                            const dp_named_tensor *pieces) DP_MUST_CHECK;

#endif
