/* run_folder.h - the folder of a training run, which is a model for other commands
 *
 * What train/trainer.h says is in it, but for the state. Each file is whole or not there, and
 * on the disk when it is saved.
 */
#ifndef DP_TRAIN_RUN_FOLDER_H
#define DP_TRAIN_RUN_FOLDER_H

#include "core/config.h"
#include "core/dataset.h"
#include "core/parameters.h"

#define DP_RUN_CONFIG  "config.json"
#define DP_RUN_CLASSES "classes.json"
#define DP_RUN_STATE   "state.safetensors"

/* Zero-initialised, it is not open. */
typedef struct dp_run_folder {
    char *path; /* owned */
    int lock;   /* the folder, opened, which holds the lock; -1: none */
} dp_run_folder;

/* Make the folder where it is missing, and keep other processes out of it until it is closed.
 * What a killed one left half written is removed. DP_EARG: another process trains in it. DP_EIO,
 * DP_ENOMEM. With `writes` false, for a process that leaves all that to another: only the
 * path is kept. */
dp_status dp_run_folder_open(dp_error *err, dp_run_folder *f, const char *path,
                             bool writes) DP_MUST_CHECK;

/* Allowed on one that is not open. */
void dp_run_folder_close(dp_run_folder *f);

/* The path of a file in it, the caller's to dp_free. DP_ENOMEM. */
dp_status dp_run_folder_find(dp_error *err, char **path, const dp_run_folder *f,
                             const char *name) DP_MUST_CHECK;

/* Write classes.json. DP_EIO, DP_ENOMEM. */
dp_status dp_run_folder_save_classes(dp_error *err, const dp_run_folder *f,
                                     const dp_dataset *classes) DP_MUST_CHECK;

/* Lay over the config what makes it one of these classes, with paths as seen from the folder.
 * Nothing is written. DP_ECONFIG: it is of no classifier. DP_ENOMEM. */
dp_status dp_run_folder_lay(dp_error *err, const dp_run_folder *f, dp_config *config,
                            const dp_dataset *classes) DP_MUST_CHECK;

/* Write config.json: the config of dp_run_folder_lay, with this name of weights
 * ("best.safetensors") as those of the model. DP_EIO, DP_ENOMEM. */
dp_status dp_run_folder_save_config(dp_error *err, const dp_run_folder *f,
                                    const dp_config *config,
                                    const char *weights) DP_MUST_CHECK;

/* Write NAME.safetensors and NAME.pth. `values` are those to write, one array a parameter;
 * NULL: the parameters' own. DP_EIO, DP_ENOMEM. */
dp_status dp_run_folder_save_weights(dp_error *err, const dp_run_folder *f,
                                     const char *name, const dp_parameters *p,
                                     float *const *values) DP_MUST_CHECK;

#endif
