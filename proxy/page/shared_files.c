/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages for browsers have in common: the files of proxy/page/shared/, and header fields.
 */
#include "intake/page_files.h"

#include <string.h>

PAGE_COPY(intake_shared_style_css, "style.css");
PAGE_COPY(intake_shared_texts_js, "texts.js");
PAGE_COPY(intake_shared_icon_svg, "icon.svg");

static const struct page_file SHARED[] = {
    {"/style.css", PAGE_CSS, intake_shared_style_css, intake_shared_style_css_end},
    {"/texts.js", PAGE_JS, intake_shared_texts_js, intake_shared_texts_js_end},
    {"/icon.svg", PAGE_SVG, intake_shared_icon_svg, intake_shared_icon_svg_end},
};

static const struct page_file *find(const struct page_file *files, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(files[i].path, path))
            return &files[i];
    return NULL;
}

const struct page_file *page_file_among(const struct page_file *files, size_t count,
                                        const char *path)
{
    const struct page_file *own = find(files, count, path);
    return own ? own : find(SHARED, sizeof SHARED / sizeof *SHARED, path);
}

const struct page_field PAGE_FIELDS[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
     "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
     "require-trusted-types-for 'script'; trusted-types 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {NULL, NULL},
};
