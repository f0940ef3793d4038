#include "eval/rank.h"
#include "report/page.h"

#include <math.h>

enum { CELL = 11, NAME = 110, LISTED = 20, LARGEST = 200 };

/* ---- the heat map ---------------------------------------------------------------------- */

static void add_names(dp_text *t, const dp_page_matrix *m)
{
    for (size_t i = 0; i < m->rows; i++) {
        dp_text_add(t,
                    "<text style=\"font-size:9px\" x=\"%d\" y=\"%zu\" "
                    "text-anchor=\"end\">",
                    NAME - 4, NAME + i * CELL + 9);
        dp_page_add_escaped(t, m->row_name(m->arg, i));
        dp_text_add(t, "</text>\n");
    }
    for (size_t i = 0; i < m->columns; i++) {
        dp_text_add(t,
                    "<text style=\"font-size:9px\" transform=\"translate(%zu %d) "
                    "rotate(-90)\">",
                    NAME + i * CELL + 9, NAME - 4);
        dp_page_add_escaped(t, m->column_name(m->arg, i));
        dp_text_add(t, "</text>\n");
    }
}

static void add_cell(dp_text *t, const dp_page_matrix *m, size_t row, size_t column,
                     double share)
{
    dp_text_add(t,
                "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
                "fill=\"var(--%s)\" fill-opacity=\"%.2f\"><title>",
                NAME + column * CELL, NAME + row * CELL, CELL - 1, CELL - 1,
                row == column ? "green" : "red", .15 + .85 * sqrt(share));
    dp_page_add_escaped(t, m->row_name(m->arg, row));
    dp_text_add(t, " as ");
    dp_page_add_escaped(t, m->column_name(m->arg, column));
    dp_text_add(t, ": %llu</title></rect>\n",
                (unsigned long long)m->count(m->arg, row, column));
}

/* A square for each pair that occurs, the darker the larger its share of the row. */
static void add_map(dp_text *t, const dp_page_matrix *m)
{
    const size_t w = NAME + m->columns * CELL + 4, h = NAME + m->rows * CELL + 4;
    dp_text_add(
        t,
        "<div class=\"wide\"><svg style=\"max-width:none\" width=\"%zu\" "
        "height=\"%zu\" viewBox=\"0 0 %zu %zu\" role=\"img\" aria-label=\"Confusion "
        "matrix; the table below lists its largest entries\">\n",
        w, h, w, h);
    add_names(t, m);
    for (size_t row = 0; row < m->rows; row++) {
        double sum = 0;
        for (size_t k = 0; k < m->columns; k++)
            sum += (double)m->count(m->arg, row, k);
        for (size_t k = 0; k < m->columns; k++) {
            const uint64_t count = m->count(m->arg, row, k);
            if (count > 0)
                add_cell(t, m, row, k, (double)count / sum);
        }
    }
    dp_text_add(t, "</svg></div>\n");
}

/* ---- the list -------------------------------------------------------------------------- */

/* The largest counts of different classes, the first of equals first: index is row *
 * classes + column. Returns how many. */
static int find_largest(dp_ranked list[LISTED], const dp_page_matrix *m)
{
    int n = 0;
    for (size_t row = 0; row < m->classes; row++)
        for (size_t column = 0; column < m->classes; column++) {
            const uint64_t count = m->count(m->arg, row, column);
            if (row != column && count > 0)
                dp_ranked_keep(list, &n, LISTED,
                               (dp_ranked){(double)count,
                                           (uint32_t)(row * m->classes + column), 0});
        }
    return n;
}

static void add_list(dp_text *t, const dp_page_matrix *m)
{
    dp_ranked list[LISTED];
    const int n = find_largest(list, m);
    dp_text_add(t,
                "<div class=\"wide\"><table>\n<thead><tr><th>%s</th>"
                "<th style=\"text-align:left\">taken for</th><th>%s</th></tr></thead>\n"
                "<tbody>\n",
                m->row_head, m->count_head);
    for (int i = 0; i < n; i++) {
        const size_t row = list[i].index / m->classes;
        const size_t column = list[i].index % m->classes;
        dp_text_add(t, "<tr><td>");
        dp_page_add_escaped(t, m->row_name(m->arg, row));
        dp_text_add(t, "</td><td style=\"text-align:left\">");
        dp_page_add_escaped(t, m->column_name(m->arg, column));
        dp_text_add(t, "</td><td>%llu</td></tr>\n",
                    (unsigned long long)m->count(m->arg, row, column));
    }
    dp_text_add(t, "</tbody></table></div>\n");
}

void dp_page_add_matrix(dp_text *t, const dp_page_matrix *m)
{
    if (m->rows <= LARGEST && m->columns <= LARGEST)
        add_map(t, m);
    dp_text_add(t, "<p>What is confused most:</p>\n");
    add_list(t, m);
}
