#include "report/train_page.h"

#include "base/memory.h"

#include "report/curves.h"
#include "report/page.h"
#include "report/train_page_files.h" /* train_page.js, by make */

#include <inttypes.h>
#include <math.h>

/* ---- the head ----------------------------------------------------------------------------- */

static void add_card(dp_text *t, const char *value, const char *name)
{
    dp_text_add(t, "<li><b>%s</b>%s</li>\n", value, name);
}

static void format_time(char *text, size_t size, double seconds)
{
    const long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
}

/* The evaluated epoch with the most right, the first of equals; of the average if `average`.
 * NULL: none. */
static const dp_epoch_record *find_best(const dp_history *h, bool average)
{
    const dp_epoch_record *best = NULL;
    for (size_t i = 0; i < h->epoch_count; i++) {
        const dp_epoch_record *e = &h->epochs[i];
        if (!e->evaluated || (average && !e->has_average))
            continue;
        const double own = average ? e->average.top1 : e->model.top1;
        if (!best || own > (average ? best->average.top1 : best->model.top1))
            best = e;
    }
    return best;
}

static void add_score(dp_text *t, const dp_history *h, bool average)
{
    const dp_epoch_record *best = find_best(h, average);
    if (!best)
        return;
    char value[32], name[80];
    snprintf(value, sizeof value, "%.2f %%",
             average ? best->average.top1 : best->model.top1);
    snprintf(name, sizeof name, "best top-1%s, epoch %d",
             average ? " of the average" : "", best->epoch + 1);
    add_card(t, value, name);
}

static void add_cards(dp_text *t, const dp_train_page *p)
{
    static const char *const states[] = {"running", "stopped", "finished"};
    const dp_history *h = p->history;
    const int64_t done = h->step_count ? h->steps[h->step_count - 1].step : 0;
    char text[64];
    dp_text_add(t, "<ul class=\"cards\">\n");
    add_card(t, states[p->state], "this run");
    add_score(t, h, false);
    add_score(t, h, true);
    snprintf(text, sizeof text, "%" PRId64 " of %" PRId64, done, p->steps);
    add_card(t, text, "steps");
    if (h->step_count) {
        snprintf(text, sizeof text, "%.4f", h->steps[h->step_count - 1].loss);
        add_card(t, text, "loss of the last step");
    }
    if (isfinite(p->images_per_second)) {
        snprintf(text, sizeof text, "%.3g", p->images_per_second);
        add_card(t, text, "images a second");
    }
    if (p->state == DP_TRAIN_RUNNING && isfinite(p->seconds_left)) {
        format_time(text, sizeof text, p->seconds_left);
        add_card(t, text, "left");
    }
    dp_text_add(t, "</ul>\n");
}

static void add_head(dp_text *t, const dp_train_page *p)
{
    dp_text_add(t, "<h1>Training <code>");
    dp_page_add_escaped(t, p->model);
    dp_text_add(t, "</code></h1>\n<p>Data <code>");
    dp_page_add_escaped(t, p->data);
    dp_text_add(
        t, "</code>: %d classes, %zu images to train on, %zu to evaluate on.</p>\n",
        p->classes, p->train_images, p->val_images);
    if (*p->source) {
        dp_text_add(t, "<p class=\"soft\">Recipe: ");
        dp_page_add_escaped(t, p->source);
        dp_text_add(t, "</p>\n");
    }
    add_cards(t, p);
}

/* ---- curves ------------------------------------------------------------------------------- */

/* Columns of numbers, cut out of the records: x in epochs. */
typedef struct columns {
    double *memory; /* owned */
    double *step_x, *loss, *rate;
    double *epoch_x, *val_loss, *ema_loss, *top1, *ema_top1;
    bool averaged;
} columns;

static dp_status fill_columns(dp_error *err, columns *c, const dp_train_page *p)
{
    const dp_history *h = p->history;
    const size_t n = h->step_count, m = h->epoch_count;
    void *memory;
    *c = (columns){0};
    const dp_status st = dp_alloc(err, &memory, 3 * n + 5 * m + 1, sizeof(double),
                                  "the curves of a run");
    if (st != DP_OK)
        return st;
    c->memory = memory;
    c->step_x = c->memory;
    c->loss = c->step_x + n;
    c->rate = c->loss + n;
    c->epoch_x = c->rate + n;
    c->val_loss = c->epoch_x + m;
    c->ema_loss = c->val_loss + m;
    c->top1 = c->ema_loss + m;
    c->ema_top1 = c->top1 + m;
    const double epochs_a_step = p->steps > 0 ? p->epochs / (double)p->steps : 0;
    for (size_t i = 0; i < n; i++) {
        c->step_x[i] = (double)h->steps[i].step * epochs_a_step;
        c->loss[i] = h->steps[i].loss;
        c->rate[i] = h->steps[i].rate;
    }
    for (size_t i = 0; i < m; i++) {
        const dp_epoch_record *e = &h->epochs[i];
        const bool average = e->evaluated && e->has_average;
        c->epoch_x[i] = e->epoch + 1;
        c->val_loss[i] = e->evaluated ? e->model.loss : (double)NAN;
        c->top1[i] = e->evaluated ? e->model.top1 : (double)NAN;
        c->ema_loss[i] = average ? e->average.loss : (double)NAN;
        c->ema_top1[i] = average ? e->average.top1 : (double)NAN;
        c->averaged = c->averaged || average;
    }
    return DP_OK;
}

static void add_curves(dp_text *t, const dp_train_page *p, const columns *c)
{
    const size_t n = p->history->step_count, m = p->history->epoch_count,
                 averaged = c->averaged ? m : 0;
    const dp_curve losses[] = {
        {"training", "blue", c->step_x, c->loss, n},
        {"images set aside", "red", c->epoch_x, c->val_loss, m},
        {"the same, average of weights", "green", c->epoch_x, c->ema_loss, averaged}};
    const dp_curve scores[] = {
        {"model", "red", c->epoch_x, c->top1, m},
        {"average of weights", "green", c->epoch_x, c->ema_top1, averaged}};
    const dp_curve rates[] = {{"learning rate", "blue", c->step_x, c->rate, n}};
    dp_text_add(t, "<h2>Curves</h2>\n<div class=\"images large\">\n");
    dp_curves_add(t, "Loss", "epoch", p->epochs, losses, 3);
    dp_curves_add(t, "Top-1 of the images set aside, percent", "epoch", p->epochs,
                  scores, 2);
    dp_curves_add(t, "Learning rate", "epoch", p->epochs, rates, 1);
    dp_text_add(t, "</div>\n");
}

/* ---- the table ---------------------------------------------------------------------------- */

static void add_cell(dp_text *t, bool known, int digits, double value)
{
    dp_text_add(t, "<td data-v=\"%.9g\">", known ? value : -1);
    if (known)
        dp_text_add(t, "%.*f", digits, value);
    dp_text_add(t, "</td>");
}

static void add_epochs(dp_text *t, const dp_train_page *p, bool averaged)
{
    const dp_epoch_record *best = find_best(p->history, false);
    dp_text_add(t,
                "<h2>Epochs</h2>\n<div class=\"wide\"><table class=\"sorts\">\n"
                "<thead><tr><th>epoch</th><th>training loss</th><th>loss</th>"
                "<th>top-1, %%</th><th>top-5, %%</th>%s</tr></thead>\n<tbody>\n",
                averaged ? "<th>top-1 of the average, %</th>" : "");
    for (size_t i = 0; i < p->history->epoch_count; i++) {
        const dp_epoch_record *e = &p->history->epochs[i];
        dp_text_add(t, "<tr><td data-v=\"%d\">%d%s</td>", e->epoch, e->epoch + 1,
                    e == best ? " (best)" : "");
        add_cell(t, true, 4, e->loss);
        add_cell(t, e->evaluated, 4, e->model.loss);
        add_cell(t, e->evaluated, 2, e->model.top1);
        add_cell(t, e->evaluated, 2, e->model.top5);
        if (averaged)
            add_cell(t, e->evaluated && e->has_average, 2, e->average.top1);
        dp_text_add(t, "</tr>\n");
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

dp_status dp_train_page_save(dp_error *err, const char *folder, const dp_train_page *p)
{
    columns c;
    dp_status st = fill_columns(err, &c, p);
    if (st != DP_OK)
        return st;
    dp_text t = {.err = err};
    dp_page_open(&t, "Training", p->model);
    add_head(&t, p);
    add_curves(&t, p, &c);
    if (p->history->epoch_count)
        add_epochs(&t, p, c.averaged);
    if (p->state == DP_TRAIN_RUNNING)
        dp_text_add(&t, "<script>\n%s</script>\n", train_page_js);
    dp_page_close(&t);
    st = dp_page_save(err, folder, "index.html", &t);
    dp_text_done(&t);
    dp_free(c.memory);
    return st;
}
