/* Which images make which step, at which rates; and what an evaluation counts. */
#include "tests/support/suite.h"
#include "train/epochs.h"
#include "train/evaluation.h"

#include <check.h>
#include <math.h>
#include <string.h>

enum { IMAGES = 50 };

static dp_training training(int batch, int accumulate)
{
    return (dp_training){.seed = 3,
                         .epochs = 4,
                         .batch = batch,
                         .accumulate = accumulate,
                         .rate = {.base = 1, .last = 0.1, .warmup = 1},
                         .decay = {.base = 0.05, .last = 0.05}};
}

static dp_epochs make(const dp_training *t, int rank, int ranks)
{
    dp_error err = {0};
    dp_epochs e;
    ck_assert_msg(dp_epochs_init(&err, &e, t, IMAGES, rank, ranks) == DP_OK, "%s",
                  err.text);
    return e;
}

START_TEST(an_epoch_has_every_image_once)
{
    const dp_training t = training(8, 2);
    const dp_epochs e = make(&t, 0, 1);
    int all[IMAGES], own[IMAGES], other[IMAGES], seen[IMAGES] = {0};
    ck_assert_int_eq(e.steps, 3);
    ck_assert_uint_eq(dp_epochs_own(&e), 48);
    dp_epochs_order(&e, 0, all, own);
    dp_epochs_order(&e, 1, all, other);
    ck_assert_mem_ne(own, other, 48 * sizeof *own);
    for (int i = 0; i < 48; i++)
        ck_assert_int_eq(seen[own[i]]++, 0);
}
END_TEST

/* The same images make a micro-batch, whatever the number of processes. Partners of Mixup,
 * places p and G - 1 - p, are in one process, where they are partners too. */
START_TEST(processes_share_micro_batches)
{
    int all[IMAGES], whole[IMAGES];
    const dp_training one = training(8, 1);
    const dp_epochs alone = make(&one, 0, 1);
    dp_epochs_order(&alone, 2, all, whole);
    for (int ranks = 2; ranks <= 8; ranks *= 2) {
        const dp_training t = training(8 / ranks, 1);
        for (int rank = 0; rank < ranks; rank++) {
            int own[IMAGES];
            const dp_epochs e = make(&t, rank, ranks);
            ck_assert_int_eq(e.steps, alone.steps);
            dp_epochs_order(&e, 2, all, own);
            for (int i = 0; i < t.batch; i++) {
                const int place = dp_epochs_place(&e, i);
                for (int k = 0; k < e.steps; k++)
                    ck_assert_int_eq(own[k * t.batch + i], whole[k * 8 + place]);
                if (t.batch % 2 == 0)
                    ck_assert_int_eq(dp_epochs_place(&e, t.batch - 1 - i), 7 - place);
            }
        }
    }
}
END_TEST

START_TEST(rates_follow_steps)
{
    dp_training t = training(8, 2);
    dp_epochs e = make(&t, 0, 1); /* 3 steps an epoch */
    ck_assert_double_eq(dp_epochs_rate(&e, 0, 0), 0);
    ck_assert_double_eq(dp_epochs_rate(&e, 0, 1), 0.5);
    ck_assert_double_eq(dp_epochs_rate(&e, 0, 2), 1);
    ck_assert_double_eq(dp_epochs_rate(&e, 1, 0), 1);
    ck_assert_double_eq_tol(dp_epochs_rate(&e, 3, 2),
                            0.1 + 0.45 * (1 + cos(acos(-1) * 8 / 9)), 1e-15);
    ck_assert_double_eq(dp_epochs_decay(&e, 2, 1), 0.05);
    t.warmup_steps = 5;
    e = make(&t, 0, 1);
    ck_assert_double_eq(dp_epochs_rate(&e, 1, 0), 0.75);

    /* ConvNeXt V2: 6 micro-batches an epoch, of which the second step begins at the third. */
    t.warmup_steps = 0;
    t.rate = (dp_schedule){
        .kind = DP_SCHEDULE_EPOCH_COSINE, .base = 1, .last = 0.1, .warmup = 1.5};
    e = make(&t, 0, 1);
    ck_assert_double_eq_tol(dp_epochs_rate(&e, 1, 1), (1 + 2.0 / 6) / 1.5, 1e-15);
    t.rate = (dp_schedule){.kind = DP_SCHEDULE_STEP,
                           .base = 1,
                           .factor = 0.1,
                           .step_count = 1,
                           .steps = {2}};
    e = make(&t, 0, 1);
    ck_assert_double_eq(dp_epochs_rate(&e, 1, 2), 1);
    ck_assert_double_eq(dp_epochs_rate(&e, 2, 0), 0.1);
}
END_TEST

START_TEST(an_evaluation_counts_ranks)
{
    enum { N = 5, K = 7 };
    const float logits[N * K] = {
        0, 1, 2, 3,        4, 5, 6, /* first of all             */
        0, 1, 2, 3,        4, 5, 6, /* fifth                    */
        0, 1, 2, 3,        4, 5, 6, /* sixth                    */
        2, 2, 2, 0,        0, 0, 0, /* the lower class is first */
        0, 0, 0, INFINITY, 0, 0, 0, /* not finite: wrong        */
    };
    const int labels[N] = {6, 2, 1, 1, 3};
    dp_evaluation_sums sums = {0};
    dp_evaluation_add(&sums, logits, labels, 4, K);
    ck_assert_double_eq(sums.images, 4);
    ck_assert_double_eq(sums.first, 1);
    ck_assert_double_eq(sums.five, 3);
    double want = 0; /* the cross entropy, written out */
    for (int n = 0; n < 4; n++) {
        double all = 0;
        for (int k = 0; k < K; k++)
            all += exp((double)logits[n * K + k]);
        want += log(all) - (double)logits[n * K + labels[n]];
    }
    ck_assert_double_eq_tol(sums.loss, want, 1e-12);
    dp_evaluation_add(&sums, logits + 4 * K, labels + 4, 1, K);
    ck_assert_double_eq(sums.images, 5);
    ck_assert_double_eq(sums.five, 3);
}
END_TEST

/* With fewer than five classes every finite answer is among the five. */
START_TEST(few_classes_are_all_among_five)
{
    const float logits[3] = {3, 2, 1};
    const int label = 2;
    dp_evaluation_sums sums = {0};
    dp_evaluation_add(&sums, logits, &label, 1, 3);
    ck_assert_double_eq(sums.first, 0);
    ck_assert_double_eq(sums.five, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("epochs");
    TCase *t = tcase_create("steps");
    tcase_add_test(t, an_epoch_has_every_image_once);
    tcase_add_test(t, processes_share_micro_batches);
    tcase_add_test(t, rates_follow_steps);
    tcase_add_test(t, an_evaluation_counts_ranks);
    tcase_add_test(t, few_classes_are_all_among_five);
    suite_add_tcase(s, t);
    return suite_run(s);
}
