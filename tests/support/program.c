#define _XOPEN_SOURCE 700 /* readlink */
#include "tests/support/program.h"

#include "tests/support/scratch.h"

#include <check.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* This test is build/KIND/tests/FOLDER/test_X; the program is build/KIND/densepred. */
static void find_program(char *folder)
{
    const ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    ck_assert_int_gt(length, 0);
    folder[length] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(folder, '/') = '\0';
}

static void read_output(char *text, size_t size, const char *name)
{
    FILE *f = fopen(scratch_path(name), "rb");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    fclose(f);
}

const program_result *program_run(const char *format, ...)
{
    static program_result result;
    char folder[PATH_MAX], line[4096];
    static char command[2 * PATH_MAX + sizeof line];
    va_list args;
    va_start(args, format);
    ck_assert_int_lt(vsnprintf(line, sizeof line, format, args), (int)sizeof line);
    va_end(args);

    find_program(folder);
    snprintf(command, sizeof command,
             "cd '%s' && PATH='%s':\"$PATH\" && { %s\n} >.out 2>.err", scratch_path(""),
             folder, line);
    const int status = system(command);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_output(result.out, sizeof result.out, ".out");
    read_output(result.err, sizeof result.err, ".err");
    return &result;
}

const char *program_root(void)
{
    static char root[PATH_MAX];
    ck_assert_ptr_nonnull(getcwd(root, sizeof root));
    return root;
}
