/* SPDX-License-Identifier: Apache-2.0 */
/* The upload page: GET /upload/, where [keystone] auth_url is set.
 *
 *   page.c    answers with the page and its files
 *   files.c   has them: those of the folder files/
 *   token.c   logs a user of the page in
 *
 * What the page asks of the file's format is in exchange/new_image/describe.c. All else that it
 * asks are requests like those of any client. */
#ifndef PAGE_KINDS_H
#define PAGE_KINDS_H

#include "exchange/core/exchange_priv.h"
#include "intake/new_image.h"
#include "intake/page_files.h"

struct login;

/* GET or HEAD of the page or of one of its files. */
extern const struct exchange_kind PAGE_KIND;

/* POST /upload/page/token. */
struct token_flow {
    struct exchange x; /* first: token_of() needs that */
    struct login *login;
    struct new_image asked; /* for its project and domain */
};

static inline struct token_flow *token_of(struct exchange *x)
{
    return (struct token_flow *)x;
}

extern const struct exchange_kind TOKEN_KIND;

/* files.c */
/* The file of a decoded path: "/upload/page/page.js". The page itself is not among them. NULL:
 * there is none. */
const struct page_file *upload_page_file(const char *path);

/* Whether the decoded path is that of the page, or of one of its files. */
bool upload_page_has(const char *path);

/* index.html, which is not a page yet: "@URL@" in it stands for the address of this proxy. */
const struct page_file *upload_page_template(void);

#endif
