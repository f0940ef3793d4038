#define _XOPEN_SOURCE 700 /* nftw */
#include "tests/support/walk.h"

#include <ftw.h>

enum { OPEN_FOLDERS = 16 };

static walk_visit *visitor;
static int visited;

static int visit_entry(const char *path, const struct stat *about, int kind,
                       struct FTW *where)
{
    (void)about;
    (void)where;
    if (kind == FTW_F) {
        visited++;
        visitor(path);
    }
    return 0;
}

int walk_files(const char *folder, walk_visit *visit)
{
    visitor = visit;
    visited = 0;
    (void)nftw(folder, visit_entry, OPEN_FOLDERS, FTW_PHYS);
    return visited;
}
