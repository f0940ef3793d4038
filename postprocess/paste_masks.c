#include "postprocess/paste_masks.h"

/* A column of a plain shape has two. */
enum { RUNS_PER_COLUMN = 4 };

struct paste_job {
    const dp_paste_rule *rule;
    const dp_mask_paste *paste;
    const float *masks;
    const dp_detection *list;
    dp_pasted_masks out;
    size_t scratch_size;
    unsigned char *scratch; /* scratch_size bytes a worker */
};

static void paste_item(void *arg, int i, int worker)
{
    const struct paste_job *job = arg;
    const size_t cells = (size_t)job->paste->side * (size_t)job->paste->side;
    job->out.count[i] =
        job->rule->run(job->out.runs + (size_t)i * job->out.capacity, job->out.capacity,
                       job->paste, job->masks + (size_t)i * cells, job->list[i].box,
                       job->scratch + (size_t)worker * job->scratch_size);
}

dp_pasted_masks dp_paste_masks_run(dp_run *r, const dp_paste_rule *rule,
                                   const dp_mask_paste *p, const float *masks,
                                   const dp_detection *list, int count)
{
    struct paste_job job = {.rule = rule, .paste = p, .masks = masks, .list = list};
    job.out.capacity = RUNS_PER_COLUMN * ((size_t)p->image.w + 2);
    job.out.runs =
        dp_run_take(r, (size_t)count * job.out.capacity, sizeof *job.out.runs);
    job.out.count = dp_run_take(r, (size_t)count, sizeof *job.out.count);

    const size_t mark = dp_run_mark(r);
    job.scratch_size = (rule->scratch(p) + 63) / 64 * 64;
    job.scratch = dp_run_take(r, (size_t)dp_pool_threads(r->pool), job.scratch_size);
    if (!r->dry)
        dp_parallel(r->pool, count, paste_item, &job);
    dp_run_rewind(r, mark);
    return job.out;
}
