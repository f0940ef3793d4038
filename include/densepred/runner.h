/* densepred/runner.h - a model run over a data set, and its numbers beside the published
 *
 * A run keeps what is done in a directory. It may be interrupted at any moment: made again
 * with the same options, it goes on. The files do not depend, byte for byte, on threads,
 * workers, shards and processes, nor on interruptions. In the run directory are:
 *
 *   run.json       what is run: version, model, weights, data set, config
 *   *.records      results so far, a file for each shard
 *   results.json   of detectors: COCO results, in the order of the annotation file
 *   predictions/   of segmentors: a label map (PNG) an image, in the data set's numbering
 *   metrics.json   of the evaluation: written by the caller, as `densepred eval --json`
 *   summary.json   scores beside published ones, failed images, and what run.json says
 *
 *     dp_test_new(ctx, &test, &options);
 *     dp_test_plan(test);
 *     dp_test_run(test, NULL, NULL);
 *     ... evaluate dp_test_path(test, DP_TEST_RESULTS), when no image is left ...
 *     dp_test_compare(test);
 *     dp_test_free(test);
 */
#ifndef DENSEPRED_RUNNER_H
#define DENSEPRED_RUNNER_H

#include "densepred/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dp_test
    dp_test; /* a model with a data set, and a directory for results */

/* Zero-initialise, then set what you want. Texts must stay until dp_test_free. */
typedef struct dp_test_options {
    const char *config;  /* path of the model's config                 */
    const char *weights; /* path of its checkpoint                     */
    const char *name;    /* of the model, in run.json; NULL: config's path */

    /* The data set's folder, laid out as published: annotations/instances_val2017.json with
     * val2017 or images/val2017; annotations/validation with images/validation, or
     * annotations with images. NULL when the next two say all. */
    const char *root;
    const char *images; /* folder of images; NULL: in root */

    /* COCO: a file. ADE20K: a folder of PNG label maps. NULL: in root. */
    const char *annotations;

    /* of the run; made where it is missing; NULL: work/NAME-OF-THE-CONFIG */
    const char *directory;
    int shard, shards; /* only part 1 to `shards` of the images; shards 0: all */

    /* Images at a time, 1 to 1024, on one thread each. 0: one image at a time, on the
     * context's threads. */
    int workers;
    int cache; /* as in dp_load_options */

    /* What becomes of the objects of images that cannot be read:
     *
     *   "leave-out"  they are left out of the ground truth; so is NULL
     *   "missed"     detectors only: they count as objects that were not found
     *   "refuse"     there is no evaluation; the caller makes none */
    const char *unreadable;

    /* Segmentors only. */
    const char *mode; /* "slide", "whole"; NULL: as published                        */
    int ms_flip;      /* not 0: the config's "test_ms_flip" is laid over its "test"  */

    /* As in dp_load_options. */
    const char *configs;
    const char *const *set;
    size_t set_count;
} dp_test_options;

/* Start. ctx is used by the other functions of the test, and has their sentences.
 * DP_EARG, DP_ENOMEM; *out is NULL then. */
DP_API dp_status dp_test_new(dp_context *ctx, dp_test **out,
                             const dp_test_options *options);
DP_API void dp_test_free(dp_test *test);

/* Look at everything: config, classes, data set, weights. Nothing is written. DP_EARG for
 * options that do not fit the model, or a data set that is not found; DP_ECONFIG, DP_EIO,
 * DP_EFORMAT, DP_ENOMEM. */
DP_API dp_status dp_test_plan(dp_test *test);

/* What the last failure of dp_test_plan, run or compare was about. */
typedef enum dp_test_part {
    DP_TEST_PART_MODEL, /* config, classes, weights */
    DP_TEST_PART_DATA_SET,
    DP_TEST_PART_DIRECTORY /* of the run; also disk and threads */
} dp_test_part;
DP_API dp_test_part dp_test_failed_part(const dp_test *test);

/* How far a run is. */
typedef struct dp_test_progress {
    size_t done, total; /* images of this call                                       */
    size_t count;       /* images of the data set                                    */
    size_t before;      /* those of them that are done at the start                  */

    /* Why the last image failed; NULL: it did not. A view for the time of the call. */
    const char *failure;
} dp_test_progress;

/* Called once at the start, with done 0, and after each image: by one thread at a time, but
 * by any. Returns 0 to go on; else no further image is begun. */
typedef int dp_test_progress_fn(void *arg, const dp_test_progress *progress);

/* Run the images of the shard that have no result yet; those that failed before run again.
 * When no image of the data set is open, write the results. An image that cannot be read
 * is counted and left out. `progress` may be NULL. DP_EARG when the directory is of
 * another run; what dp_model_load returns; DP_EIO, DP_EFORMAT, DP_ENOMEM. */
DP_API dp_status dp_test_run(dp_test *test, dp_test_progress_fn *progress, void *arg);

/* Images by what became of them. */
typedef struct dp_test_tally {
    size_t count, done, failed, open;
} dp_test_tally;

/* After a run: of all images, or (own_shard not 0) of the shard's. Zero before. */
DP_API dp_test_tally dp_test_count(const dp_test *test, int own_shard);

/* After a run of a detector: the ids of the images whose objects count, for
 * dp_coco_eval_options; views until dp_test_free. *ids is NULL when all images count, and
 * *count 0 when none does. DP_ENOMEM. */
DP_API dp_status dp_test_list_images(dp_test *test, const int64_t **ids, size_t *count);

typedef enum dp_test_file {
    DP_TEST_CONFIG,
    DP_TEST_CLASSES, /* class file of the config: names and label values */
    DP_TEST_IMAGES,
    DP_TEST_ANNOTATIONS,
    DP_TEST_DIRECTORY,
    DP_TEST_RESULTS, /* results.json or predictions */
    DP_TEST_METRICS
} dp_test_file;

/* After dp_test_plan: the model's task (detectors have COCO's data sets, segmentors
 * ADE20K's), and where things are. */
DP_API dp_task dp_test_task(const dp_test *test);
DP_API const char *dp_test_path(const dp_test *test, dp_test_file file);

/* A number in percent, beside the published one. NaN: there is none. */
typedef struct dp_test_score {
    const char *name; /* of the config's "published": "box_AP", "mIoU", ... */
    double ours, published;
    double tolerance; /* largest difference that is within; 0.1 by default  */
    int within;       /* 1, 0; -1: nothing is published                     */
} dp_test_score;

/* After dp_test_plan: whether the config has published numbers to compare with, and whose
 * they are ("" when it does not say). */
DP_API int dp_test_is_published(const dp_test *test);
DP_API const char *dp_test_source(const dp_test *test);

/* Read metrics.json, which must be there, into scores, and write summary.json. DP_EIO,
 * DP_EFORMAT, DP_ENOMEM. */
DP_API dp_status dp_test_compare(dp_test *test);

/* Score i of count, after dp_test_compare; none before. */
DP_API int dp_test_score_count(const dp_test *test);
DP_API dp_test_score dp_test_get_score(const dp_test *test, int i);

/* ---- several processes ----------------------------------------------------------------
 *
 * In a library that is built with MPI=1, a run may be spread over the processes that mpirun
 * or srun started. Process 0 calls the functions above and hands out images; the others do
 * nothing but help. Otherwise there is one process, 0.
 *
 *     dp_processes_join();
 *     if (dp_processes_rank() == 0)
 *         ... a run, as above ...
 *     else
 *         while (dp_processes_wait())
 *             dp_test_help(ctx, &options);
 *     dp_processes_leave(status);
 */

/* Once, before the others; only in a process that a launcher started. DP_EIO: MPI does not
 * start; DP_EUNSUPPORTED: it does not let threads take turns (MPI_THREAD_SERIALIZED). */
DP_API dp_status dp_processes_join(void);
DP_API int dp_processes_rank(void);

/* In the others: until process 0 begins a run (1), or leaves (0). */
DP_API int dp_processes_wait(void);

/* In the others: run images of process 0 until it has no more. The options are the same.
 * Errors as dp_test_run. */
DP_API dp_status dp_test_help(dp_context *ctx, const dp_test_options *options);

/* Last; waits for the others. In the midst of a run that failed, it ends all processes with
 * this exit status instead. */
DP_API void dp_processes_leave(int status);

#ifdef __cplusplus
}
#endif

#endif
