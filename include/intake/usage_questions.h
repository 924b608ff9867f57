/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Glance for a project's usage (GET /v2/info/usage), for the uploads of one worker. The answer
 * is for all workers (usage_answers.h), and so is a question that is under way.
 *
 * Glance asks Keystone for every limit, ten requests one after another, so an answer takes 0.6 s to
 * 2 s, and more under load. A question belongs to no upload: it goes on when the upload has ended,
 * and its answer serves the next one. */
#ifndef INTAKE_USAGE_QUESTIONS_H
#define INTAKE_USAGE_QUESTIONS_H

#include "intake/usage_answers.h"

struct glance;
struct quota_reservations;
struct snapshot;
struct usage_questions;

/* Of one worker. The arguments are borrowed. NULL: no memory. */
struct usage_questions *usage_questions_new(struct loop *loop, struct glance *glance,
                                            struct usage_answers *answers,
                                            struct quota_reservations *reservations);

/* Gives up the questions that are under way. To be called before glance_free() and loop_free(), in
 * the loop's thread or after that has ended. NULL is fine. */
void usage_questions_free(struct usage_questions *questions);

/* Sends a question, with `fields` as its headers; it holds `snapshot` and the account until its
 * end. Returns its number. 0: one is under way already, or there is no memory (then the account's
 * latest question has the fault). */
uint64_t usage_questions_ask(struct usage_questions *questions, struct usage_account *account,
                             struct snapshot *snapshot, const struct headers *fields);

/* Somebody who waits for an answer. Zero-initialise, then set `wake` and `context`. `wake` is
 * called in the loop's thread whenever any question of any worker has ended. */
struct usage_waiter {
    void (*wake)(void *context);
    void *context;
    struct list place; /* owned by usage_questions.c */
};

void usage_questions_wait(struct usage_questions *questions, struct usage_waiter *waiter);
void usage_waiter_end(struct usage_waiter *waiter); /* may be repeated */

#endif
