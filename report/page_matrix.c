#include "eval/rank.h"
#include "report/page.h"

#include <math.h>

enum { LISTED = 20, LARGEST = 200 };

/* ---- the table ------------------------------------------------------------------------- */

static void add_names(dp_text *t, const dp_page_matrix *m)
{
    dp_text_add(t, "<thead><tr><td></td>");
    for (size_t i = 0; i < m->columns; i++) {
        dp_text_add(t, "<th scope=\"col\"><span>");
        dp_page_add_escaped(t, m->column_name(m->arg, i));
        dp_text_add(t, "</span></th>");
    }
    dp_text_add(t, "</tr></thead>\n");
}

/* In four characters at most up to 999 T: the exact count is in the title. */
static void add_count(dp_text *t, uint64_t count)
{
    static const char units[] = "kMGT";
    double value = (double)count;
    int unit = -1;
    if (count < 10000) {
        dp_text_add(t, "%llu", (unsigned long long)count);
        return;
    }
    /* 999.5 and more would be rounded to 1000. */
    while (value >= 999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    dp_text_add(t, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

static void add_cell(dp_text *t, const dp_page_matrix *m, size_t row, size_t column,
                     double sum)
{
    const uint64_t count = m->count(m->arg, row, column);
    if (count == 0) {
        dp_text_add(t, "<td>");
        return;
    }
    /* At most half, or the count would not stand out from its background. */
    dp_text_add(t, "<td style=\"background:rgb(var(--%s)/%.2f)\" title=\"",
                row == column ? "right" : "wrong",
                .08 + .42 * sqrt((double)count / sum));
    dp_page_add_escaped(t, m->row_name(m->arg, row));
    dp_text_add(t, " as ");
    dp_page_add_escaped(t, m->column_name(m->arg, column));
    dp_text_add(t, ": %llu\">", (unsigned long long)count);
    add_count(t, count);
}

/* A count for each pair that occurs, the darker the larger its share of the row. */
static void add_map(dp_text *t, const dp_page_matrix *m)
{
    dp_text_add(t, "<div class=\"wide map\"><table class=\"matrix\" "
                   "aria-label=\"Confusion matrix; the table below lists its largest "
                   "entries\">\n");
    add_names(t, m);
    dp_text_add(t, "<tbody>\n");
    for (size_t row = 0; row < m->rows; row++) {
        double sum = 0;
        for (size_t k = 0; k < m->columns; k++)
            sum += (double)m->count(m->arg, row, k);
        dp_text_add(t, "<tr><th scope=\"row\">");
        dp_page_add_escaped(t, m->row_name(m->arg, row));
        dp_text_add(t, "</th>");
        for (size_t k = 0; k < m->columns; k++)
            add_cell(t, m, row, k, sum);
        dp_text_add(t, "\n");
    }
    dp_text_add(t, "</tbody></table></div>\n");
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
