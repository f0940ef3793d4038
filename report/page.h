/* page.h - what the report pages of all evaluations share
 *
 * A page is one file of HTML, legible on a phone. It needs no network, and no script to be
 * read: page.js only lets tables of the class "sorts" be sorted by their cells' data-v.
 * page.css is its style. What appends to a text leaves failures in it.
 */
#ifndef DP_REPORT_PAGE_H
#define DP_REPORT_PAGE_H

#include "base/text.h"

#include <stdint.h>

/* Everything up to the body's first line, with the title "TITLE NAME", and from its last. */
void dp_page_open(dp_text *t, const char *title, const char *name);
void dp_page_close(dp_text *t);

/* Text with what HTML would read as markup escaped. */
void dp_page_add_escaped(dp_text *t, const char *text);

/* Bytes as base64. */
void dp_page_add_base64(dp_text *t, const unsigned char *data, size_t size);

/* The image `folder`/`name` itself, as an <img>. False, and nothing added, when it cannot
 * be shown: not JPEG nor PNG, larger than 8 MB, unreadable, or its name leads out of the
 * folder. */
bool dp_page_add_image(dp_text *t, const char *folder, const char *name);

/* How often what a row stands for was taken for what a column stands for. The first
 * `classes` of both are the same classes. */
typedef struct dp_page_matrix {
    const void *arg;
    size_t rows, columns, classes;
    uint64_t (*count)(const void *arg, size_t row, size_t column);
    const char *(*row_name)(const void *arg, size_t row);
    const char *(*column_name)(const void *arg, size_t column);
    const char *row_head, *count_head; /* heads of the list: what a row is, counts */
} dp_page_matrix;

/* A table of counts, when it is not too large to be seen, and the pairs of different classes
 * that are confused most. */
void dp_page_add_matrix(dp_text *t, const dp_page_matrix *m);

/* Write t to `folder`/`name`, whole or not at all. What failed in t is returned. */
dp_status dp_page_save(dp_error *err, const char *folder, const char *name,
                       const dp_text *t) DP_MUST_CHECK;

#endif
