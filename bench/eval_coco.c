/* eval_coco - times of the COCO evaluator, part by part
 *
 * usage: eval_coco GT.json DT.json bbox|segm [THREADS [RUNS]]
 *
 * tools/coco_val_generator makes files of val2017's size. Of each part the median over
 * the runs: time on the clock, and processor time of all threads together, which other
 * programs on the machine disturb less. Memory is the process's peak.
 */
#include "base/limits.h"
#include "eval/coco_scores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PARTS = 4, MAX_RUNS = 99 };

static const char *const part_names[PARTS + 1] = {"read annotations", "read results",
                                                  "match", "accumulate", "all"};

typedef struct span {
    double wall, cpu; /* seconds */
} span;

static span now(void)
{
    struct timespec t;
    span s;
    timespec_get(&t, TIME_UTC);
    s.wall = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    s.cpu = (double)clock() / CLOCKS_PER_SEC;
    return s;
}

static void stop(span *part, span *since)
{
    const span t = now();
    *part = (span){t.wall - since->wall, t.cpu - since->cpu};
    *since = t;
}

static dp_status run_once(dp_error *err, span parts[PARTS], const char *truth_path,
                          const char *results_path, const dp_coco_settings *settings,
                          dp_pool *pool, double *ap)
{
    dp_coco_truth truth = {0};
    dp_coco_results results = {0};
    dp_coco_matches matches = {0};
    dp_coco_scores scores = {0};
    const dp_coco_wish wish = {!settings->masks, settings->masks};
    span since = now();
    dp_status st = dp_coco_truth_load(err, &truth, truth_path, wish, pool);
    stop(&parts[0], &since);
    if (st == DP_OK)
        st = dp_coco_results_load(err, &results, &truth, results_path, wish, pool);
    stop(&parts[1], &since);
    if (st == DP_OK)
        st = dp_coco_match(err, &matches, &truth, &results, settings, pool);
    stop(&parts[2], &since);
    if (st == DP_OK)
        st = dp_coco_accumulate(err, &scores, &matches, pool);
    stop(&parts[3], &since);
    if (st == DP_OK)
        *ap = dp_coco_scores_ap(&scores, -1, 0, settings->cap_count - 1, -1);
    dp_coco_scores_done(&scores);
    dp_coco_matches_done(&matches);
    dp_coco_results_done(&results);
    dp_coco_truth_done(&truth);
    return st;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, int count)
{
    qsort(list, (size_t)count, sizeof *list, by_size);
    return list[count / 2];
}

static void print(span runs[][PARTS], int count)
{
    double wall[MAX_RUNS], cpu[MAX_RUNS];
    printf("%-18s %10s %10s\n", "part", "clock s", "cpu s");
    for (int p = 0; p <= PARTS; p++) {
        for (int i = 0; i < count; i++) {
            wall[i] = cpu[i] = 0;
            for (int k = 0; k < PARTS; k++)
                if (p == PARTS || k == p) {
                    wall[i] += runs[i][k].wall;
                    cpu[i] += runs[i][k].cpu;
                }
        }
        printf("%-18s %10.3f %10.3f\n", part_names[p], median(wall, count),
               median(cpu, count));
    }
}

int main(int argc, char **argv)
{
    static span runs[MAX_RUNS][PARTS];
    const int threads = argc > 4 ? atoi(argv[4]) : dp_pool_available_cpus();
    const int count = argc > 5 ? atoi(argv[5]) : 5;
    if (argc < 4 || (strcmp(argv[3], "bbox") != 0 && strcmp(argv[3], "segm") != 0) ||
        threads < 1 || threads > DP_MAX_THREADS || count < 1 || count > MAX_RUNS) {
        fprintf(stderr,
                "usage: eval_coco GT.json DT.json bbox|segm [THREADS [RUNS]]\n");
        return 2;
    }
    dp_error err = {0};
    dp_pool *pool;
    dp_coco_settings settings;
    double ap = 0;
    dp_coco_settings_default(&settings);
    settings.masks = strcmp(argv[3], "segm") == 0;
    dp_status st = dp_pool_new(&err, &pool, threads);
    for (int i = 0; i < count && st == DP_OK; i++)
        st = run_once(&err, runs[i], argv[1], argv[2], &settings, pool, &ap);
    dp_pool_free(pool);
    if (st != DP_OK) {
        fprintf(stderr, "eval_coco: %s\n", err.text);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s, %d threads, %d runs, AP %.6f\n", argv[3], threads, count, ap);
    print(runs, count);
    printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1024);
    return 0;
}
