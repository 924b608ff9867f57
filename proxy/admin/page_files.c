/* SPDX-License-Identifier: Apache-2.0 */
/* The files of proxy/admin/page/, which the assembler copies into the program. CMakeLists.txt sets
 * INTAKE_PAGE_DIR. */
#include "admin/page_files.h"

#include <stddef.h>
#include <string.h>

/* Defines the bytes of a file as the array NAME, which ends where NAME_end begins. */
#define COPY(name, file)                                                                           \
    __asm__(".pushsection .rodata\n"                                                               \
            ".hidden " #name "\n"                                                                  \
            ".hidden " #name "_end\n"                                                              \
            ".globl " #name ", " #name "_end\n" #name ":\n"                                        \
            ".incbin \"" INTAKE_PAGE_DIR "/" file "\"\n" #name "_end:\n"                           \
            ".popsection");                                                                        \
    extern const char name[], name##_end[]

COPY(intake_page_html, "index.html");
COPY(intake_page_css, "page.css");
COPY(intake_page_js, "page.js");
COPY(intake_view_js, "view.js");
COPY(intake_model_js, "model.js");
COPY(intake_icon_svg, "icon.svg");

const char *page_template(size_t *size)
{
    *size = (size_t)(intake_page_html_end - intake_page_html);
    return intake_page_html;
}

#define CSS  "text/css; charset=utf-8"
#define JS   "text/javascript; charset=utf-8"
#define ICON "image/svg+xml"

static const struct page_file FILES[] = {
    {"/page.css", CSS, intake_page_css, intake_page_css_end},
    {"/page.js", JS, intake_page_js, intake_page_js_end},
    {"/view.js", JS, intake_view_js, intake_view_js_end},
    {"/model.js", JS, intake_model_js, intake_model_js_end},
    {"/icon.svg", ICON, intake_icon_svg, intake_icon_svg_end},
};

const struct page_file *page_file_find(const char *path)
{
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        if (!strcmp(FILES[i].path, path))
            return &FILES[i];
    return NULL;
}
