#include "report/coco_report_parts.h"
#include "report/page.h"

void dp_coco_report_add_fraction(dp_text *t, double value)
{
    if (value < 0)
        dp_text_add(t, "n/a");
    else
        dp_text_add(t, "%.3f", value);
}

static void add_lint(dp_text *t, const dp_coco_lint *lint, const char *path)
{
    char line[512];
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++) {
        if (lint->of[i].count == 0)
            continue;
        dp_coco_lint_format(line, sizeof line, lint, (dp_coco_kind)i, path);
        dp_text_add(t, "<li>%s<code>",
                    dp_coco_kind_breaks((dp_coco_kind)i) ? "Left out: " : "");
        dp_page_add_escaped(t, line);
        dp_text_add(t, "</code></li>\n");
    }
}

static bool is_clean(const dp_coco_lint *lint)
{
    for (int i = 0; i < DP_COCO_KIND_COUNT; i++)
        if (lint->of[i].count > 0)
            return false;
    return true;
}

void dp_coco_report_add_head(dp_text *t, const dp_coco_report *r)
{
    const dp_coco_matches *m = r->parts[0].scores->matches;
    dp_text title = {.err = t->err};
    dp_text_add(&title, "Evaluation of %s", r->results_path);
    dp_page_open(t, dp_text_get(&title));
    if (title.status != DP_OK)
        t->status = title.status;
    dp_text_done(&title);
    dp_text_add(t, "<h1>Detections against annotations</h1>\n<p>Results <code>");
    dp_page_add_escaped(t, r->results_path);
    dp_text_add(t, "</code>, annotations <code>");
    dp_page_add_escaped(t, r->truth_path);
    dp_text_add(t,
                "</code>: %zu detections, %zu objects, %zu images, %zu classes.</p>\n",
                m->entry_count, m->object_count, m->truth->image_count,
                m->truth->category_count);
    if (is_clean(r->truth_lint) && is_clean(r->results_lint)) {
        dp_text_add(
            t, "<p class=\"soft\">The check of the inputs found nothing odd.</p>\n");
        return;
    }
    dp_text_add(t, "<h3>What the check of the inputs found</h3>\n<ul>\n");
    add_lint(t, r->truth_lint, r->truth_path);
    add_lint(t, r->results_lint, r->results_path);
    dp_text_add(t, "</ul>\n");
}
