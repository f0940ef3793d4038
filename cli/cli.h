/* cli.h - what all commands of the program share: exit statuses, messages, models
 *
 * A command is `int dp_cli_<name>(int argc, char **argv)` in cli/<name>.c and a line in
 * commands.def; argv[0] is its name, and it returns an exit status. Only here is the
 * environment read and anything printed. Results go to standard output or files,
 * everything else to standard error.
 */
#ifndef DP_CLI_CLI_H
#define DP_CLI_CLI_H

#include "base/status.h"

enum {
    DP_EXIT_OK = 0,
    DP_EXIT_SOME = 1,   /* some inputs failed, the others were finished   */
    DP_EXIT_USAGE = 2,  /* the command line is wrong                      */
    DP_EXIT_MODEL = 3,  /* the model, its config or weights are wrong     */
    DP_EXIT_MACHINE = 4 /* memory, disk                                   */
};

/* What a failure is about, to choose the exit status. */
typedef enum dp_subject {
    DP_SUBJECT_INPUT, /* an image, a list, an annotation file: DP_EXIT_SOME     */
    DP_SUBJECT_MODEL, /* a config or weights: DP_EXIT_MODEL                     */
    DP_SUBJECT_OUTPUT /* a file to write, standard output: DP_EXIT_MACHINE      */
} dp_subject;

/* The exit status of a failure: DP_ENOMEM is always the machine's, DP_EARG the command
 * line's, anything else the subject's. DP_EXIT_OK for DP_OK. */
int dp_cli_status(dp_status status, dp_subject subject);

/* Print "densepred: SENTENCE" to standard error; returns dp_cli_status(err->code). */
int dp_cli_fail(const dp_error *err, dp_subject subject);

/* Print "densepred: " and the formatted sentence as one line to standard error. */
void dp_cli_say(const char *format, ...) DP_PRINTF(1, 2);

/* The same about the command line; returns DP_EXIT_USAGE. */
int dp_cli_usage(const char *format, ...) DP_PRINTF(1, 2);

/* Write to a file, whole or not at all, or to standard output when it is "-": what --json
 * means on every command. Returns an exit status. */
int dp_cli_write(const char *path, const char *text);

/* Print a text, and write its JSON to the file of --json (NULL: none); "-" prints the JSON
 * instead. Returns an exit status. */
int dp_cli_print(const char *text, const char *numbers, const char *json);

#define COMMAND(name, summary) int dp_cli_##name(int argc, char **argv);
#include "cli/commands.def"
#undef COMMAND

#endif
