/* classes.h - classes by their names
 */
#ifndef DP_CLI_CLASSES_H
#define DP_CLI_CLASSES_H

#include "densepred.h"

/* The indices of the classes in a list of names, "person,car": *labels is the caller's to
 * dp_free. Says which name is unknown, and the nearest one. The exit status. */
int dp_cli_find_classes(const dp_model *model, const char *list, int **labels,
                        size_t *count);

#endif
