/* renamed.h - checkpoints under the names that a name map is for
 */
#ifndef DP_TESTS_SUPPORT_RENAMED_H
#define DP_TESTS_SUPPORT_RENAMED_H

/* Write a safetensors copy of a checkpoint under the names of the map: the map's rules
 * backwards. Where the map joins tensors, the copy has their parts. */
void renamed_write(const char *out, const char *weights, const char *map);

/* Fail the test unless the file, read through the map, has the tensors of `weights`, byte
 * for byte and in any order. NULL: read as it is. */
void renamed_check(const char *file, const char *map, const char *weights);

#endif
