/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the pages for browsers, which the assembler copies into the program. The live page
 * for operators (proxy/admin/) and the upload page (proxy/exchange/page/) share some of them. */
#ifndef INTAKE_PAGE_FILES_H
#define INTAKE_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *path; /* below the page's own path: "/page.css" */
    const char *type; /* its Content-Type */
    const char *begin, *end;
};

#define PAGE_CSS  "text/css; charset=utf-8"
#define PAGE_HTML "text/html; charset=utf-8"
#define PAGE_JS   "text/javascript; charset=utf-8"
#define PAGE_SVG  "image/svg+xml"

/* Defines the bytes of a file in INTAKE_PAGE_DIR as the array NAME, which ends where NAME_end
 * begins. CMakeLists.txt sets that folder for each source file that has this. */
#define PAGE_COPY(name, file)                                                                      \
    __asm__(".pushsection .rodata\n"                                                               \
            ".hidden " #name "\n"                                                                  \
            ".hidden " #name "_end\n"                                                              \
            ".globl " #name ", " #name "_end\n" #name ":\n"                                        \
            ".incbin \"" INTAKE_PAGE_DIR "/" file "\"\n" #name "_end:\n"                           \
            ".popsection");                                                                        \
    extern const char name[], name##_end[]

/* The file with this path among `count` files, or among those that all pages have (proxy/page/
 * shared/). NULL: there is none. */
const struct page_file *page_file_among(const struct page_file *files, size_t count,
                                        const char *path);

/* The header fields of all pages: other sites must not frame, script or read them. How long they
 * may be kept is for the page to say. A row without a name ends the list. */
struct page_field {
    const char *name, *value;
};
extern const struct page_field PAGE_FIELDS[];

#endif
