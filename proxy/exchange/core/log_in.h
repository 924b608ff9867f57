/* SPDX-License-Identifier: Apache-2.0 */
/* Logins of requests, for the kinds of exchanges that make them (exchange/new_image/ and
 * exchange/page/). */
#ifndef EXCHANGE_LOG_IN_H
#define EXCHANGE_LOG_IN_H

#include "exchange/core/exchange_priv.h"

struct login;

/* A step, or the beginning of one: begins the login if `*login` is NULL, and waits for its end.
 * STEP_NEXT: it is granted. The caller frees `*login`, when the exchange ends. `project`,
 * `domain` and `fresh` are as in struct login_request. */
enum step_result exchange_log_in(struct exchange *x, struct login **login, const char *project,
                                 const char *domain, bool fresh);

/* What a login that is refused says in the answer. `login` may be NULL. False: no memory. */
bool log_in_add_to_answer(const struct login *login, struct headers *out);

/* A browser sends the request for a page of another site, and may add the password that it
 * remembers for this one. */
bool exchange_is_from_another_site(const struct exchange *x);

#endif
