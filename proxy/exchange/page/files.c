/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the upload page, which the assembler copies into the program. */
#include "exchange/page/page_kinds.h"

#include <string.h>

PAGE_COPY(intake_upload_index_html, "index.html");
PAGE_COPY(intake_upload_page_css, "page.css");
PAGE_COPY(intake_upload_page_js, "page.js");
PAGE_COPY(intake_upload_passing_js, "passing.js");
PAGE_COPY(intake_upload_proxy_js, "proxy.js");
PAGE_COPY(intake_upload_session_js, "session.js");
PAGE_COPY(intake_upload_unfinished_js, "unfinished.js");
PAGE_COPY(intake_upload_upload_js, "upload.js");
PAGE_COPY(intake_upload_row_js, "row.js");

static const struct page_file TEMPLATE = {"/", PAGE_HTML, intake_upload_index_html,
                                          intake_upload_index_html_end};

static const struct page_file FILES[] = {
    {"/page.css", PAGE_CSS, intake_upload_page_css, intake_upload_page_css_end},
    {"/page.js", PAGE_JS, intake_upload_page_js, intake_upload_page_js_end},
    {"/passing.js", PAGE_JS, intake_upload_passing_js, intake_upload_passing_js_end},
    {"/proxy.js", PAGE_JS, intake_upload_proxy_js, intake_upload_proxy_js_end},
    {"/session.js", PAGE_JS, intake_upload_session_js, intake_upload_session_js_end},
    {"/unfinished.js", PAGE_JS, intake_upload_unfinished_js, intake_upload_unfinished_js_end},
    {"/upload.js", PAGE_JS, intake_upload_upload_js, intake_upload_upload_js_end},
    {"/row.js", PAGE_JS, intake_upload_row_js, intake_upload_row_js_end},
};

const struct page_file *upload_page_template(void)
{
    return &TEMPLATE;
}

const struct page_file *upload_page_file(const char *path)
{
    static const char folder[] = "/upload/page";
    size_t length = sizeof folder - 1;
    if (strncmp(path, folder, length) != 0)
        return NULL;
    return page_file_among(FILES, sizeof FILES / sizeof *FILES, path + length);
}

bool upload_page_has(const char *path)
{
    return !strcmp(path, "/upload") || !strcmp(path, "/upload/") || upload_page_file(path);
}
