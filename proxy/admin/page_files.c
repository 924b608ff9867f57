/* SPDX-License-Identifier: Apache-2.0 */
/* The files of proxy/admin/page/, which the assembler copies into the program. */
#include "admin/page_files.h"

PAGE_COPY(intake_page_html, "index.html");
PAGE_COPY(intake_page_css, "page.css");
PAGE_COPY(intake_page_js, "page.js");
PAGE_COPY(intake_view_js, "view.js");
PAGE_COPY(intake_model_js, "model.js");

const char *page_template(size_t *size)
{
    *size = (size_t)(intake_page_html_end - intake_page_html);
    return intake_page_html;
}

static const struct page_file FILES[] = {
    {"/page.css", PAGE_CSS, intake_page_css, intake_page_css_end},
    {"/page.js", PAGE_JS, intake_page_js, intake_page_js_end},
    {"/view.js", PAGE_JS, intake_view_js, intake_view_js_end},
    {"/model.js", PAGE_JS, intake_model_js, intake_model_js_end},
};

const struct page_file *page_file_find(const char *path)
{
    return page_file_among(FILES, sizeof FILES / sizeof *FILES, path);
}
