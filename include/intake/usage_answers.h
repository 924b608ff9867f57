/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the usage of each project, as Glance tells it (GET /v2/info/usage), for all workers.
 *
 * Whose answer is it? The one of the project that the token belongs to, and only Glance knows which
 * that is: the answer does not name it. So an account, which is what an answer is kept for, is
 * found by the digest of the token. Two tokens get one account only after Glance has confirmed
 * their project: by the `owner` in its 201 to a POST /v2/images that named no owner itself. Glance
 * then takes the token's project, also for an administrator (images.py, create()). These are no
 * proof:
 * - the owner of an image that the token may upload to: an administrator may upload to the images
 *   of all projects, but /v2/info/usage tells him the limits of his own;
 * - an owner that the request named: an administrator may name any;
 * - what else a client says of itself.
 * A token stays with its project: Keystone never changes the scope of a token. So what was
 * confirmed needs no end. Whether the token is still valid, and may see the image, is asked for
 * each upload.
 *
 * Questions are numbered in the order in which they begin, over all accounts. An upload that may be
 * refused only by an answer that is newer than itself compares numbers. */
#ifndef INTAKE_USAGE_ANSWERS_H
#define INTAKE_USAGE_ANSWERS_H

#include "intake/list.h"
#include "intake/loop.h"
#include "intake/usage.h"

#include <stdbool.h>
#include <stdint.h>

struct headers;
struct usage_account;
struct usage_answers;

enum {
    USAGE_NAMES_MAX = 4096, /* tokens and projects; the one that was not used longest goes first */
    USAGE_FAULT_MAX = 128,
    USAGE_RECENT_MS = 60000,  /* an answer with a limit counts this long, */
    USAGE_TRUSTED_MS = 600000 /* and one without a limit, or while Glance tells nothing newer */
};

/* Shared by all workers; every call is thread-safe. NULL: no memory. */
struct usage_answers *usage_answers_new(void);
/* All accounts must be closed, and all listeners gone. NULL is fine. */
void usage_answers_free(struct usage_answers *all);

/* Forgets all that is known. Those who have an account open keep what it knows. */
void usage_answers_forget(struct usage_answers *all);

/* Glance has confirmed that the token in `fields` belongs to `project`: see above. */
void usage_answers_confirm(struct usage_answers *all, const struct headers *fields,
                           const char *project);

/* Opens the account of the token in `fields`, the headers of a request. Without a token the account
 * is the caller's alone. NULL: no memory. The caller closes it. */
struct usage_account *usage_account_open(struct usage_answers *all, const struct headers *fields);
/* Opens it once more, for another owner. Returns `account`. */
struct usage_account *usage_account_hold(struct usage_account *account);
void usage_account_close(struct usage_account *account); /* NULL is fine */

/* The number of the latest question that has begun, in any account. */
uint64_t usage_answers_latest(struct usage_answers *all);

/* --- questions --------------------------------------------------------------------------- */

/* Begins a question, and returns its number. `mark`: quota_reservations_mark() of now. 0: another
 * question of the account has begun and not ended; its answer counts for this caller, too. */
uint64_t usage_account_begin(struct usage_account *account, uint64_t mark);

/* Ends it. `usage` NULL: there was no answer; `fault` says why as a clause, and the answer before
 * it is kept. All listeners are told. */
void usage_account_end(struct usage_account *account, const struct usage *usage, const char *fault);

bool usage_account_is_asked(struct usage_account *account); /* a question is under way */

struct usage_answer {
    uint64_t number; /* of its question; 0: there is no answer */
    uint64_t mark;   /* as it was when the question began */
    uint64_t age_ms; /* since then */
    uint64_t
        uploads; /* how many of the account the answer may lack: under way then, or begun since */
    uint64_t uploads_now; /* how many of the account are under way */
    struct usage usage;
};

/* The latest answer. `fault` (NULL is fine) gets why the latest question had none, or "". */
void usage_account_look(struct usage_account *account, struct usage_answer *out,
                        char fault[USAGE_FAULT_MAX]);

/* An upload of the account begins, and ends. */
void usage_account_upload(struct usage_account *account);
void usage_account_uploaded(struct usage_account *account);

/* --- listeners --------------------------------------------------------------------------- */

/* Owned by one loop. Zero-initialise, then set the first two members. `task` is sent to the loop
 * after a question has ended; it calls usage_listener_heard() first. */
struct usage_listener {
    struct loop *loop;
    struct task task;
    struct list place; /* owned by usage_answers.c, as is `told` */
    bool told;
};

void usage_listener_begin(struct usage_answers *all, struct usage_listener *listener);
void usage_listener_heard(struct usage_answers *all, struct usage_listener *listener);
/* In the loop's thread, or after that has ended. The task is not run after this. */
void usage_listener_end(struct usage_answers *all, struct usage_listener *listener);

#endif
