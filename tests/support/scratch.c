#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "tests/support/scratch.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 512, PATHS = 4 };

static char folder[] = "/tmp/densepred-test-XXXXXX";
static char paths[PATHS][PATH_ROOM];
static int used;

void scratch_setup(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Calls visit for each entry but . and .., and returns how many there are. */
static int each_entry(int (*visit)(const char *path))
{
    int count = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            count++;
            if (visit)
                (void)visit(scratch_path(entry->d_name));
        }
    closedir(dir);
    return count;
}

void scratch_teardown(void)
{
    (void)each_entry(remove);
    rmdir(folder);
}

const char *scratch_path(const char *name)
{
    char *path = paths[used++ % PATHS];
    snprintf(path, PATH_ROOM, "%s/%s", folder, name);
    return path;
}

const char *scratch_file(const char *name, const void *bytes, size_t size)
{
    const char *path = scratch_path(name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

int scratch_count(void)
{
    return each_entry(NULL);
}
