#include "report/coco_report_parts.h"
#include "report/page.h"

void dp_coco_report_add_fraction(dp_text *t, double value)
{
    if (value < 0)
        dp_text_add(t, "n/a");
    else
        dp_text_add(t, "%.3f", value);
}

void dp_coco_report_add_head(dp_text *t, const dp_coco_report *r)
{
    const dp_coco_matches *m = r->parts[0].scores->matches;
    dp_page_open(t, "Evaluation of", r->results_path);
    dp_text_add(t, "<h1>Detections against annotations</h1>\n<p>Results <code>");
    dp_page_add_escaped(t, r->results_path);
    dp_text_add(t, "</code>, annotations <code>");
    dp_page_add_escaped(t, r->truth_path);
    dp_text_add(t,
                "</code>: %zu detections, %zu objects, %zu images, %zu classes.</p>\n",
                m->entry_count, m->object_count, m->truth->image_count,
                m->truth->category_count);
    if (r->notice_count == 0) {
        dp_text_add(
            t, "<p class=\"soft\">The check of the inputs found nothing odd.</p>\n");
        return;
    }
    dp_text_add(t, "<h3>What the check of the inputs found</h3>\n<ul>\n");
    for (size_t i = 0; i < r->notice_count; i++) {
        dp_text_add(t, "<li>%s<code>", r->notices[i].broken ? "Left out: " : "");
        dp_page_add_escaped(t, r->notices[i].text);
        dp_text_add(t, "</code></li>\n");
    }
    dp_text_add(t, "</ul>\n");
}
