/* densepred - the program: finds the command and leaves the rest to it */
#include "base/nearest.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
#define COMMAND(name, summary) {#name, summary, dp_cli_##name},
#include "cli/commands.def"
#undef COMMAND
};
static const size_t command_count = sizeof commands / sizeof *commands;

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    dp_nearest nearest = {.word = name};
    for (size_t i = 0; i < command_count; i++)
        dp_nearest_offer(&nearest, commands[i].name);
    if (nearest.best)
        return dp_cli_usage("%s: unknown command, did you mean %s?", name,
                            nearest.best);
    return dp_cli_usage("%s: unknown command, see densepred help", name);
}

static void print_help(FILE *to)
{
    fprintf(to, "usage: densepred COMMAND [arguments] [options]\n\n"
                "Objects and segments in images, from published checkpoints.\n\n");
    for (size_t i = 0; i < command_count; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to,
            "\n`densepred COMMAND --help` lists a command's options; --version, the "
            "version.\nExit status: 0 all well, 1 some inputs failed, 2 wrong "
            "command line,\n3 wrong model, config or weights, 4 out of memory or "
            "disk.\n");
}

/* `densepred help COMMAND` is `densepred COMMAND --help`, also of "eval coco". */
static int help(int argc, char **argv)
{
    static char option[] = "--help";
    if (argc < 2) {
        print_help(stdout);
        return DP_EXIT_OK;
    }
    const command *c = find_command(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    char *line[] = {argv[1], option, NULL, NULL};
    if (argc > 2) {
        line[1] = argv[2];
        line[2] = option;
    }
    return c->run(argc > 2 ? 3 : 2, line);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return DP_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        printf("densepred %s\n", DP_VERSION);
        return DP_EXIT_OK;
    }
    const command *c = find_command(name);
    return c ? c->run(argc - 1, argv + 1) : unknown_command(name);
}

/* A standard descriptor that was closed would become that of the first file opened, and
 * messages would go into a result. /dev/null takes its place, opened the other way round: a
 * read or a write there fails, as on a closed one. */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!hold_standard_descriptors())
        return DP_EXIT_MACHINE;
    const int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        dp_cli_say("standard output: cannot write: %s", strerror(errno));
        return DP_EXIT_MACHINE;
    }
    return status;
}
