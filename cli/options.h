/* options.h - command lines from a table: one row an option
 *
 * Long forms --name VALUE and --name=VALUE, short forms -n VALUE, -nVALUE and joined
 * flags -qv. Options may stand between arguments; after -- everything is an argument, and
 * a lone - is one. The last of equal options wins, but for those that make a list. --help
 * comes with every table.
 */
#ifndef DP_CLI_OPTIONS_H
#define DP_CLI_OPTIONS_H

#include "base/limits.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum dp_option_kind {
    DP_OPTION_FLAG,   /* bool target: set to true                        */
    DP_OPTION_TEXT,   /* const char * target: points into argv           */
    DP_OPTION_INT,    /* int target, in [min, max]                       */
    DP_OPTION_FLOAT,  /* double target, in [min, max]                    */
    DP_OPTION_CHOICE, /* const char * target; `value` is "one|of|these"  */
    DP_OPTION_LIST,   /* dp_option_list target: each value is added      */
    DP_OPTION_ALIAS   /* another name; `value` is that of the option     */
} dp_option_kind;

/* What an option was given, each time. Zero-initialise it. */
typedef struct dp_option_list {
    const char *item[DP_MAX_OPTION_LIST];
    char made[DP_MAX_OPTION_LIST][64]; /* texts of dp_option_list_set */
    size_t count;
} dp_option_list;

typedef struct dp_option {
    const char *name; /* without the dashes                                  */
    char letter;      /* of the short form; 0: none                          */
    dp_option_kind kind;
    const char *value; /* how help calls the value: "FILE"; NULL for a flag   */
    void *target;      /* keeps what it holds when the option is not given    */
    double min, max;
    const char *help; /* a phrase, with the default where there is one       */
} dp_option;

#define DP_FLAG(name, letter, target, help)                    \
    {                                                          \
        name, letter, DP_OPTION_FLAG, NULL, target, 0, 0, help \
    }
#define DP_TEXT(name, letter, value, target, help)              \
    {                                                           \
        name, letter, DP_OPTION_TEXT, value, target, 0, 0, help \
    }
#define DP_INT(name, letter, value, target, min, max, help)        \
    {                                                              \
        name, letter, DP_OPTION_INT, value, target, min, max, help \
    }
#define DP_FLOAT(name, letter, value, target, min, max, help)        \
    {                                                                \
        name, letter, DP_OPTION_FLOAT, value, target, min, max, help \
    }
#define DP_CHOICE(name, letter, choices, target, help)              \
    {                                                               \
        name, letter, DP_OPTION_CHOICE, choices, target, 0, 0, help \
    }
#define DP_LIST(name, letter, value, target, help)              \
    {                                                           \
        name, letter, DP_OPTION_LIST, value, target, 0, 0, help \
    }
#define DP_ALIAS(name, of)                                                \
    {                                                                     \
        name, 0, DP_OPTION_ALIAS, of, NULL, 0, 0, "another name of --" of \
    }
#define DP_OPTIONS_END                                  \
    {                                                   \
        NULL, 0, DP_OPTION_FLAG, NULL, NULL, 0, 0, NULL \
    }

/* The options that several commands take. Each takes only those that it heeds. */
typedef struct dp_common_options {
    const char *weights;   /* NULL: not given                              */
    const char *out;       /* NULL: not given                              */
    const char *cpu;       /* a name for dp_cpu_parse; NULL: all there is  */
    const char *gemm;      /* as in dp_options                             */
    const char *precision; /* the same                                     */
    const char *configs;   /* folder of configs; NULL: where they are      */
    dp_option_list set;    /* KEY=VALUE, as in dp_load_options             */
    int threads;           /* 0: the processors available                  */
    int seed;
    bool cache;         /* as in dp_load_options       */
    double log_seconds; /* between lines of progress; 0: a minute */
    bool partial;       /* load weights that do not fit */
    bool quiet;
    bool verbose; /* all lines of what does not fit */
} dp_common_options;

#define DP_OPTION_WEIGHTS(c)                       \
    DP_TEXT("weights", 'w', "FILE", &(c)->weights, \
            ".pth, .pt, .bin or .safetensors, as published")
#define DP_OPTION_PARTIAL(c)             \
    DP_FLAG("partial", 0, &(c)->partial, \
            "load weights that do not fit; what is missing is random")
#define DP_OPTION_VERBOSE(c)             \
    DP_FLAG("verbose", 0, &(c)->verbose, \
            "all tensors that do not fit, not the first 20")
#define DP_OPTION_CACHE(c)                  \
    DP_FLAG("weight-cache", 0, &(c)->cache, \
            "keep packed weights in FILE.dpcache, for a faster start next time")
#define DP_OPTION_OUT(c, help) DP_TEXT("out", 'o', "DIR", &(c)->out, help)
#define DP_OPTION_JSON(target)         \
    DP_TEXT("json", 0, "FILE", target, \
            "the same as JSON into a file too; - prints it instead")
#define DP_OPTION_THREADS(c)                                      \
    DP_INT("threads", 't', "N", &(c)->threads, 1, DP_MAX_THREADS, \
           "worker threads (default: the processors available)")
#define DP_OPTION_CPU(c)                              \
    DP_CHOICE("cpu", 0, "ref|avx2|avx512", &(c)->cpu, \
              "use no more of the processor than this")
#define DP_OPTION_GEMM(c)                            \
    DP_CHOICE("gemm", 0, "own|openblas", &(c)->gemm, \
              "engine of GEMMs (default: own, where there is AVX2)")
#define DP_OPTION_PRECISION(c)                                                         \
    DP_CHOICE("precision", 0, "float32|bf16", &(c)->precision,                         \
              "of pointwise layers (default float32); bf16 is faster and less exact, " \
              "and needs AVX512_BF16")
#define DP_OPTION_QUIET(c) DP_FLAG("quiet", 'q', &(c)->quiet, "no progress bar")
#define DP_OPTION_LOG(c)                                               \
    DP_FLOAT("log-every", 0, "SECONDS", &(c)->log_seconds, 0.1, 86400, \
             "between lines of progress where there is no terminal (default 60)")
/* How far the work is. */
#define DP_OPTIONS_PROGRESS(c) DP_OPTION_QUIET(c), DP_OPTION_LOG(c)
#define DP_OPTION_SEED(c) \
    DP_INT("seed", 0, "N", &(c)->seed, 0, 2147483647, "of random weights (default 0)")
#define DP_OPTION_CONFIGS(c)                    \
    DP_TEXT("configs", 0, "DIR", &(c)->configs, \
            "folder of the configs that ship (default: where they are)")

#define DP_OPTION_IOU(target)                                                        \
    DP_FLOAT("iou", 0, "F", target, 0, 1,                                            \
             "detectors: IoU of two boxes of a class from which the NMS keeps only " \
             "the better one (default: as the config says, 0.5)")
#define DP_OPTION_SET(c)                      \
    DP_LIST("set", 0, "KEY=VALUE", &(c)->set, \
            "change a key of the config, such as test.score_thr=0.1; may be repeated")

/* Groups: where a model is from, and what it runs on. */
#define DP_OPTIONS_MODEL(c)                                         \
    DP_OPTION_WEIGHTS(c), DP_OPTION_CACHE(c), DP_OPTION_PARTIAL(c), \
        DP_OPTION_VERBOSE(c), DP_OPTION_SET(c)
#define DP_OPTIONS_MACHINE(c) \
    DP_OPTION_THREADS(c), DP_OPTION_CPU(c), DP_OPTION_GEMM(c), DP_OPTION_PRECISION(c)

/* A command's command line. */
typedef struct dp_usage {
    const char *name;      /* "detect"                              */
    const char *arguments; /* "MODEL INPUT..."; "" for none         */
    int least, most;       /* number of arguments; most -1: no limit */
    const dp_option *options;
    const char *about; /* a sentence or two */
} dp_usage;

#define DP_USAGE(name, arguments, least, most, options, about) \
    {                                                          \
        name, arguments, least, most, options, about           \
    }

/* Arguments that are not options, in order; item points into argv. */
typedef struct dp_arguments {
    int count;
    char **item;
} dp_arguments;

enum { DP_OPTIONS_GO_ON = -1 };

/* Parse argv[1..argc), reordering argv. Returns DP_OPTIONS_GO_ON, or the exit status
 * after --help (printed to standard output) or a mistake (said on standard error). */
int dp_options_parse(const dp_usage *usage, int argc, char **argv, dp_arguments *args);

/* Add a text to a list, as an option does. DP_OPTIONS_GO_ON, or the exit status after it was
 * said that there are too many. */
int dp_option_list_add(dp_option_list *list, const char *name, const char *value);

/* Add KEY=VALUE to the list of --set, for an option of its own that sets a key. What it
 * returns is as above; for NaN, which stands for an option that was not given, nothing is
 * added. */
int dp_option_list_set(dp_option_list *list, const char *key, double value);

/* From now on dp_options_parse hands its table to `visit` and returns DP_EXIT_OK. So a call of
 * a command with no arguments tells its options. NULL: no more. */
typedef void dp_usage_fn(void *arg, const dp_usage *usage);
void dp_options_visit(dp_usage_fn *visit, void *arg);

/* Print the usage to standard output. */
void dp_options_help(const dp_usage *usage);

#endif
