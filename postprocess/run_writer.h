/* run_writer.h - the runs of a mask, written as they are found
 *
 * Run lengths as in core/rle.h: of zeros and ones in turn, column by column. What does
 * not fit is counted and not written.
 */
#ifndef DP_POSTPROCESS_RUN_WRITER_H
#define DP_POSTPROCESS_RUN_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct dp_run_writer {
    uint32_t *counts;
    size_t capacity; /* of counts              */
    size_t count;    /* runs so far            */
    size_t end;      /* of the last run of ones, in pixels column by column */
} dp_run_writer;

/* Append the ones [first, end), which do not begin before the last ones' end; they join a
 * run that ends where they begin. */
void dp_run_writer_put(dp_run_writer *w, size_t first, size_t end);

/* Close the mask of `pixels` with its last zeros. Returns the number of runs. */
size_t dp_run_writer_end(dp_run_writer *w, size_t pixels);

#endif
