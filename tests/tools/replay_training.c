/* replay_training - run a stored training case and write down what came of it
 *
 * usage: replay_training CASE OUT
 *
 * CASE is a folder as ../shared/golden_train_cls has them; what upstream's run gave is not
 * read. Into the folder OUT go losses.json (one a micro-batch), grad.safetensors (of step 1,
 * before clipping), act.safetensors (of the first micro-batch: act.NAME and grad.NAME of
 * stages, norm and head, as maps N, C, H, W), and step1, step2, step10.safetensors with param.NAME, exp_avg.NAME,
 * exp_avg_sq.NAME and ema.NAME. Exit status 1 when something is wrong.
 */
#include "io/checkpoint/safetensors.h"
#include "tests/support/suite.h"
#include "tests/support/training_case.h"

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
        char name[32];
        dp_tensor map;
        float *value, *gradient; /* channels first; owned */
    } list[MAPS];
    int count;
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

/* Upstream's module: stage1 is stages.0, and so on. */
static void name_map(char *to, size_t size, const char *name)
{
    int stage;
    if (sscanf(name, "stage%d", &stage) == 1)
        snprintf(to, size, "stages.%d", stage - 1);
    else
        snprintf(to, size, "%s", strcmp(name, "pooled") == 0 ? "norm" : "head");
}

static void keep_map(void *arg, const dp_run *r, const char *name, dp_tensor map)
{
    maps *m = arg;
    (void)r;
    char as[32];
    name_map(as, sizeof as, name);
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->list[i].name, as) == 0) /* of the first micro-batch */
            return;
    if (m->count == MAPS)
        return;
    const bool flat = map.H == 1 && map.W == 1 && strncmp(name, "stage", 5) != 0;
    const int i = m->count++;
    strcpy(m->list[i].name, as);
    m->list[i].as =
        (dp_parameter){.rank = flat ? 2 : 4, .shape = {map.N, map.C, map.H, map.W}};
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

static void save_gradients(const training_case *c, tensors *t, const char *folder)
{
    const dp_parameters *p = dp_network_parameters(c->network);
    for (size_t i = 0; i < p->count; i++)
        add(t, "", &p->list[i], dp_network_gradients(c->network)[i]);
    save(t, folder, "grad");
}

static void save_maps(maps *m, tensors *t, const char *folder)
{
    for (int i = 0; i < m->count; i++) {
        m->list[i].as.name = m->list[i].name;
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

static void save_step(const training_case *c, tensors *t, const char *folder)
{
    const dp_optimizer *o = &c->optimizer;
    const dp_parameters *p = dp_network_parameters(c->network);
    char name[32];
    for (size_t i = 0; i < p->count; i++) {
        add(t, "param.", &p->list[i], p->list[i].value);
        add(t, "exp_avg.", &p->list[i], o->first[i]);
        add(t, "exp_avg_sq.", &p->list[i], o->second[i]);
        if (o->average)
            add(t, "ema.", &p->list[i], o->average[i]);
    }
    snprintf(name, sizeof name, "step%d", (int)o->steps);
    save(t, folder, name);
}

static void save_losses(const training_case *c, const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/losses.json", folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < c->micro_batch && file; i++)
        fprintf(file, "%s{\"loss\": %.17g}%s", i ? " " : "[", c->losses[i],
                i + 1 < c->micro_batch ? ",\n" : "]\n");
    if (!file || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static const char *from, *to;

/* What reads a case fails a test when a file is not as expected, so this is one. */
START_TEST(replay)
{
    training_case c;
    training_case_open(&c, from, 0, NULL);
    const size_t room = dp_network_parameters(c.network)->count * 4;
    maps first = {0};
    dp_network_observe(c.network, keep_map, keep_gradient, &first);
    tensors t = {.list = calloc(room, sizeof *t.list),
                 .names = calloc(room, sizeof *t.names)};
    const int steps = c.micro_batches / c.training.accumulate;
    for (int step = 1; step <= steps; step++) {
        training_case_go_back(&c);
        if (step == 1) {
            dp_network_observe(c.network, NULL, NULL, NULL);
            save_gradients(&c, &t, to);
            save_maps(&first, &t, to);
        }
        training_case_step(&c);
        if (step <= 2 || step == 10)
            save_step(&c, &t, to);
    }
    save_losses(&c, to);
    free(t.list);
    free(t.names);
    training_case_close(&c);
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
