/* replay_training - run a stored training case and write down what came of it
 *
 * usage: replay_training CASE OUT
 *
 * CASE is a folder as ../shared/golden_train_cls or ../shared/golden_train have them; what
 * upstream's run gave is not read. To be run in the repository's root. Into the folder OUT
 * go
 *
 *   losses.json             one a step; of a classifier one a micro-batch
 *   grad.safetensors        of the first step, before clipping
 *   act.safetensors         act.NAME, grad.NAME: maps of the first batch, and their gradients
 *   step1, step2, step10.safetensors
 *                           param.NAME, buffer.NAME, and the moments: m.NAME, v.NAME, or of a
 *                           classifier exp_avg.NAME, exp_avg_sq.NAME; ema.NAME
 *
 * Exit status 1 when something is wrong.
 */
#include "io/checkpoint/safetensors.h"
#include "tests/support/classifier_case.h"
#include "tests/support/segmentor_case.h"
#include "tests/support/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct tensors {
    dp_named_tensor *list;
    char **names; /* of them, owned */
    size_t count;
} tensors;

static void add(tensors *t, const char *kind, const dp_parameter *p,
                const float *values)
{
    char *name = malloc(strlen(kind) + strlen(p->name) + 1);
    strcpy(name, kind);
    strcat(name, p->name);
    t->names[t->count] = name;
    dp_named_tensor *x = &t->list[t->count++];
    *x = (dp_named_tensor){
        .name = name, .dtype = DP_DTYPE_F32, .rank = p->rank, .data = values};
    int64_t stride = 1;
    for (int d = p->rank; d-- > 0; stride *= p->shape[d]) {
        x->shape[d] = p->shape[d];
        x->stride[d] = stride;
    }
}

/* ---- maps and their gradients ------------------------------------------------------ */

enum { MAPS = 8 };

typedef struct maps {
    struct {
        dp_parameter as; /* name and shape, as the file has it */
        dp_tensor map;
        float *value, *gradient; /* channels first; owned */
    } list[MAPS];
    int count;
    bool of_classifier;
} maps;

static float *channels_first(dp_tensor t, const float *from)
{
    const size_t cells = (size_t)t.H * (size_t)t.W, C = (size_t)t.C;
    float *to = malloc(dp_tensor_size(t) * sizeof *to);
    for (size_t n = 0; n < (size_t)t.N; n++)
        for (size_t i = 0; i < cells; i++)
            for (size_t c = 0; c < C; c++)
                to[(n * C + c) * cells + i] = from[(n * cells + i) * C + c];
    return to;
}

/* What upstream's cases call the maps that a run names. */
static const struct {
    const char *map, *classifier, *segmentor;
} names[] = {
    {"stage1", "stages.0", "backbone0"},
    {"stage2", "stages.1", "backbone1"},
    {"stage3", "stages.2", "backbone2"},
    {"stage4", "stages.3", "backbone3"},
    {"pooled", "norm", NULL},
    {"psp_bottleneck", NULL, "bottleneck"},
    {"fpn_bottleneck", NULL, "fpn_bottleneck"},
    {"logits", "head", "logits"},
    {"aux_logits", NULL, "aux_logits"},
};

static const char *find_name(const maps *m, const char *map)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].map, map) == 0)
            return m->of_classifier ? names[i].classifier : names[i].segmentor;
    return NULL;
}

static void keep_map(void *arg, const dp_run *r, const char *map_name, dp_tensor map)
{
    maps *m = arg;
    (void)r;
    const char *name = find_name(m, map_name);
    if (!name || m->count == MAPS)
        return;
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->list[i].as.name, name) == 0) /* of the first micro-batch */
            return;
    const bool flat = strcmp(name, "norm") == 0 || strcmp(name, "head") == 0;
    const int i = m->count++;
    m->list[i].as = (dp_parameter){
        .name = name, .rank = flat ? 2 : 4, .shape = {map.N, map.C, map.H, map.W}};
    m->list[i].map = map;
    m->list[i].value = channels_first(map, map.data);
}

static void keep_gradient(void *arg, dp_tensor y, const float *dy)
{
    maps *m = arg;
    for (int i = 0; i < m->count; i++)
        if (m->list[i].map.data == y.data && !m->list[i].gradient)
            m->list[i].gradient = channels_first(m->list[i].map, dy);
}

/* Write OUT/name.safetensors, and forget the tensors. */
static void save(tensors *t, const char *folder, const char *name)
{
    char path[1024];
    dp_error err;
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    if (dp_safetensors_save(&err, path, t->list, t->count, NULL) != DP_OK) {
        fprintf(stderr, "replay_training: %s\n", err.text);
        exit(1);
    }
    for (size_t i = 0; i < t->count; i++)
        free(t->names[i]);
    t->count = 0;
}

static void save_gradients(const case_file *c, tensors *t, const char *folder)
{
    const dp_parameters *p = dp_network_parameters(c->network);
    for (size_t i = 0; i < p->count; i++)
        if (dp_network_gradients(c->network)[i])
            add(t, "", &p->list[i], dp_network_gradients(c->network)[i]);
    save(t, folder, "grad");
}

static void save_maps(maps *m, tensors *t, const char *folder)
{
    for (int i = 0; i < m->count; i++) {
        add(t, "act.", &m->list[i].as, m->list[i].value);
        if (m->list[i].gradient)
            add(t, "grad.", &m->list[i].as, m->list[i].gradient);
    }
    save(t, folder, "act");
    for (int i = 0; i < m->count; i++) {
        free(m->list[i].value);
        free(m->list[i].gradient);
    }
}

static void save_step(const case_file *c, tensors *t, const char *folder,
                      bool of_classifier)
{
    const dp_optimizer *o = &c->optimizer;
    const dp_parameters *p = dp_network_parameters(c->network);
    char name[32];
    for (size_t i = 0; i < p->count; i++) {
        add(t, p->list[i].buffer ? "buffer." : "param.", &p->list[i], p->list[i].value);
        if (o->first[i]) {
            add(t, of_classifier ? "exp_avg." : "m.", &p->list[i], o->first[i]);
            add(t, of_classifier ? "exp_avg_sq." : "v.", &p->list[i], o->second[i]);
        }
        if (o->average)
            add(t, "ema.", &p->list[i], o->average[i]);
    }
    snprintf(name, sizeof name, "step%d", (int)o->steps);
    save(t, folder, name);
}

static FILE *open_losses(const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/losses.json", folder);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: cannot be written", path);
    return file;
}

/* ---- runs --------------------------------------------------------------------------- */

static const char *from, *to;

typedef void turn_fn(void *c);

/* Ten steps or fewer, and what is saved of them. */
static void run(case_file *file, void *c, turn_fn *go_back, turn_fn *step, int steps,
                bool of_classifier)
{
    const size_t room = dp_network_parameters(file->network)->count * 4 + 2 * MAPS;
    maps first = {.of_classifier = of_classifier};
    tensors t = {.list = calloc(room, sizeof *t.list),
                 .names = calloc(room, sizeof *t.names)};
    dp_network_observe(file->network, keep_map, keep_gradient, &first);
    for (int i = 1; i <= steps; i++) {
        go_back(c);
        if (i == 1) {
            dp_network_observe(file->network, NULL, NULL, NULL);
            save_gradients(file, &t, to);
            save_maps(&first, &t, to);
        }
        step(c);
        if (i <= 2 || i == 10)
            save_step(file, &t, to, of_classifier);
    }
    free(t.list);
    free(t.names);
}

static void go_back_classifier(void *c)
{
    classifier_case_go_back(c);
}

static void step_classifier(void *c)
{
    classifier_case_step(c);
}

static void replay_classifier(void)
{
    classifier_case c;
    classifier_case_open(&c, from, 0, NULL);
    run(&c.file, &c, go_back_classifier, step_classifier,
        c.micro_batches / c.file.training.accumulate, true);
    FILE *file = open_losses(to);
    for (int i = 0; i < c.micro_batches; i++)
        fprintf(file, "%s{\"loss\": %.17g}", i ? ",\n " : "[", c.losses[i]);
    fputs("]\n", file);
    ck_assert_int_eq(fclose(file), 0);
    classifier_case_close(&c);
}

static void go_back_segmentor(void *c)
{
    segmentor_case_go_back(c);
}

static void step_segmentor(void *c)
{
    segmentor_case_step(c);
}

static void replay_segmentor(void)
{
    segmentor_case c;
    segmentor_case_open(&c, from, 0, NULL);
    run(&c.file, &c, go_back_segmentor, step_segmentor, SEGMENTOR_STEPS, false);
    FILE *file = open_losses(to);
    for (int i = 0; i < SEGMENTOR_STEPS; i++)
        fprintf(file,
                "%s{\"decode.loss_seg\": %.17g, \"aux.loss_seg\": %.17g, \"loss\": "
                "%.17g}",
                i ? ",\n " : "[", c.decode[i].loss, c.auxiliary[i].loss,
                c.decode[i].loss + c.auxiliary[i].loss);
    fputs("]\n", file);
    ck_assert_int_eq(fclose(file), 0);
    segmentor_case_close(&c);
}

/* What reads a case fails a test when a file is not as expected, so this is one. */
START_TEST(replay)
{
    case_file file;
    case_file_open(&file, from, 1, NULL);
    const char *kind = case_text_or(file.json, "kind", "classifier");
    const bool of_classifier = strcmp(kind, "classifier") == 0;
    ck_assert_msg(of_classifier || strcmp(kind, "upernet") == 0,
                  "%s: cases of the kind %s are not replayed", from, kind);
    case_file_close(&file);
    if (of_classifier)
        replay_classifier();
    else
        replay_segmentor();
}
END_TEST

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: replay_training CASE OUT\n", stderr);
        return 2;
    }
    from = argv[1];
    to = argv[2];
    if (mkdir(to, 0777) != 0 && errno != EEXIST) {
        perror(to);
        return 1;
    }
    Suite *suite = suite_create("replay_training");
    TCase *t = tcase_create("replay");
    tcase_set_timeout(t, 3600);
    tcase_add_test(t, replay);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
