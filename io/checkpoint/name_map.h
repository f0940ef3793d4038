/* name_map.h - the tensor names of other projects, as rules in a file
 *
 * One model's weights go by other names elsewhere (timm, torchvision, Hugging Face,
 * OpenMMLab). A map is a JSON file of configs/names:
 *
 *   {"name": "timm", "source": "where the names are from", "marks": ["stem.0.weight"],
 *    "rules": [{"from": "stages.{s}.blocks.{b}.conv_dw.*", "to": "stages.{s}.{b}.dwconv.*"},
 *              {"from": "stages.{s}.blocks.{b}.gamma", "to": "stages.{s}.{b}.gamma",
 *               "squeeze": true}]}
 *
 * A map is meant for a checkpoint that has every name of its marks. The first rule whose
 * pattern is the whole of a name gives the new one: {x} stands for digits, and * at the
 * end for the rest. A name without a rule stays. "squeeze" drops extents of 1 from the
 * shape, "unsqueeze" makes (1, 1, 1, K) of a vector; both leave the bytes as they are.
 *
 * Two things make new bytes. "from" may be a list: those tensors, with the same holes, are
 * joined along their first axis in that order, where the first of them stands.
 * "reorder": {"extents": [-1, 2, 2], "order": [2, 1, 0]} sees the last axis as axes of
 * those extents (-1: what is left), and puts them in that order.
 */
#ifndef DP_IO_CHECKPOINT_NAME_MAP_H
#define DP_IO_CHECKPOINT_NAME_MAP_H

#include "core/named_tensor.h"

typedef struct dp_name_map dp_name_map;

/* Read a map. Errors as base/json.h, and DP_ECONFIG with file and key. These are errors: a
 * missing or unknown key; a * that is not at the end of its pattern; an unclosed {; a "to"
 * that uses what its "from" lacks; a "reorder" that is none. *out is NULL then. */
dp_status dp_name_map_load(dp_error *err, dp_name_map **out,
                           const char *path) DP_MUST_CHECK;

/* NULL is allowed. */
void dp_name_map_free(dp_name_map *map);

/* "timm" */
const char *dp_name_map_name(const dp_name_map *map);

/* Whether every mark is among the tensors. */
bool dp_name_map_fits(const dp_name_map *map, const dp_named_tensor *tensors,
                      size_t count);

/* Copies of the tensors, renamed, in one block: the caller's to dp_free; *out_count of
 * them, as many but for what is joined. What they point to stays where it was, but for
 * what is joined or reordered, which is in the block too. DP_ENOMEM; DP_EFORMAT: a new
 * name would be longer than DP_MAX_TENSOR_NAME, some of what is joined is missing, or
 * shapes are not what their rule is for; DP_EUNSUPPORTED: a type of DP_DTYPE_OTHER is to
 * be joined or reordered. */
dp_status dp_name_map_apply(dp_error *err, const dp_name_map *map,
                            dp_named_tensor **out, size_t *out_count,
                            const dp_named_tensor *tensors, size_t count) DP_MUST_CHECK;

#endif
