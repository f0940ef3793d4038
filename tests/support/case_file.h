/* case_file.h - the parts that all stored training cases have: case.json, arrays, a network
 *
 * Every function fails the test when a file is not as expected.
 */
#ifndef DP_TESTS_SUPPORT_CASE_FILE_H
#define DP_TESTS_SUPPORT_CASE_FILE_H

#include "tests/support/golden.h"
#include "tests/support/shared.h"
#include "train/network.h"
#include "train/optimizer.h"

#include <cjson/cJSON.h>

typedef struct case_file {
    char folder[512];
    cJSON *json;
    golden init;
    dp_context *context;
    dp_config *config;
    dp_network *network;
    dp_training training;
    dp_optimizer optimizer;
    double *rates; /* of the network's branches */
} case_file;

/* Open case.json and init.safetensors, on this many threads, with the kernels of `cpu` (NULL:
 * the machine's). */
void case_file_open(case_file *c, const char *folder, int threads, const char *cpu);
void case_file_close(case_file *c);

/* Build the network of this config, which names K classes at "classes.json", and read the
 * rates of its branches up to `rate`. */
void case_file_build(case_file *c, const char *config, int K, double rate);

/* The optimizer of `training`. */
void case_file_start(case_file *c);

/* FOLDER/NAME. */
npy case_file_npy(const case_file *c, const char *name);
golden case_file_tensors(const case_file *c, const char *name);

const cJSON *case_get(const cJSON *object, const char *key);
double case_number(const cJSON *object, const char *key);
double case_number_or(const cJSON *object, const char *key, double other);
const char *case_text_or(const cJSON *object, const char *key, const char *other);

#endif
