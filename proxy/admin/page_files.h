/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the page for people (proxy/admin/page/), for admin.c and status_page.c. */
#ifndef ADMIN_PAGE_FILES_H
#define ADMIN_PAGE_FILES_H

#include "intake/page_files.h"

/* As it is asked for: "/page.css". NULL: there is no such file. */
const struct page_file *page_file_find(const char *path);

/* index.html, which is not a page yet: "@STATE@" in it stands for the state. No null ends it. */
const char *page_template(size_t *size);

#endif
