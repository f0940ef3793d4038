/* work.h - a command that runs a model over images
 *
 * Open, gather, run, close. What fails is said on standard error, and the functions return
 * an exit status; DP_EXIT_OK: go on.
 */
#ifndef DP_CLI_WORK_H
#define DP_CLI_WORK_H

#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/session.h"

/* All zero at first. */
typedef struct dp_work {
    const char *command; /* "detect" */
    dp_common_options common;
    dp_session session;
    dp_inputs inputs;

    /* Stems that files of all images have, up to a NULL; NULL: none. To be set before
     * dp_work_gather. */
    const char *const *reserved;
    bool one_file; /* --out names the one image to write, and no folder; likewise */
    dp_input_names names;
    dp_outputs outputs; /* with a folder of --out only */
    dp_progress bar;
    int status;  /* of inputs that could not be listed */
    int signal;  /* that stopped dp_work_run; 0: none  */
    size_t next; /* the first input that was not run   */
} dp_work;

/* Load MODEL, which must be of this task. `load` as for dp_session_open. */
int dp_work_open(dp_work *w, const dp_arguments *args, dp_task task,
                 const dp_load_options *load);

/* List the images that the arguments after MODEL name, and make the folder of --out. With
 * one_file there must be one input. */
int dp_work_gather(dp_work *w, const dp_arguments *args);

/* Call `each` with every image, the caller's, while the next one is read. A status of DP_EXIT_MACHINE ends the run;
 * others are kept, the largest is returned. */
typedef int dp_work_fn(void *arg, size_t i, dp_image *image);
int dp_work_run(dp_work *w, dp_work_fn *each, void *arg);

/* Last, with the status so far: says what a signal left, and where its results are: --out, and
 * `file` (NULL: none). Returns the exit status. */
int dp_work_end(const dp_work *w, int status, const char *file);

/* The path of input i's file with this suffix, the caller's to dp_free. With one_file it is
 * --out. */
int dp_work_path(dp_work *w, char **path, size_t i, const char *suffix);

/* Say the context's sentence: about input i, and about what is written. The exit status; for
 * DP_OK nothing is said. */
int dp_work_check_input(dp_work *w, dp_status st, size_t i);
int dp_work_check_output(dp_work *w, dp_status st);

void dp_work_close(dp_work *w);

#endif
