/* walk.h - every file below a folder
 */
#ifndef DP_TESTS_SUPPORT_WALK_H
#define DP_TESTS_SUPPORT_WALK_H

typedef void walk_visit(const char *path);

/* Call visit for every file below `folder`, in no particular order, and return how many
 * there are: 0 when there is no such folder. */
int walk_files(const char *folder, walk_visit *visit);

#endif
