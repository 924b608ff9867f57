/* SPDX-License-Identifier: Apache-2.0 */
/* Fair shares (`limits` of the policy): how many uploads a project, or a client address, may have
 * at one time, and how fast a project may upload. Over all workers.
 *
 *     fair_shares_enter() --+-> has its share -> share_room(), share_took() -> share_leave()
 *                           +-> waits ---------^
 *
 * - What is over waits in order. An upload never overtakes one of the same project and client.
 * - A share is counted by the rule that sets the limit, and the project or the client's address.
 *   Uploads that entered while there was no limit are not counted.
 * - A rate slows reading and refuses nothing. The uploads that share it get the same part of it.
 *
 * Thread-safe. */
#ifndef INTAKE_FAIR_SHARES_H
#define INTAKE_FAIR_SHARES_H

#include "intake/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fair_shares;
struct loop;
struct share_ticket;

/* Shared by all workers. NULL: no memory. */
struct fair_shares *fair_shares_new(void);
void fair_shares_free(struct fair_shares *all); /* all tickets must be left. NULL is fine */

/* Puts the limits of a policy in force, also for uploads that wait. Uploads beyond a lower limit go
 * on. The policy is borrowed until the next call. */
void fair_shares_reload(struct fair_shares *all, const struct policy *policy);

/* An upload, and whom to tell. All pointers are borrowed: those of `limits` and the names during
 * the call, `loop` and `context` until share_leave(). */
struct share_entry {
    const struct policy_share *limits; /* POLICY_LIMIT_COUNT of them */
    const char *project;               /* "": it belongs to none; such uploads share */
    const char *client;                /* address */
    struct loop *loop;
    void (*wake)(void *context); /* has its share now; called in the loop's thread */
    void *context;
};

/* Takes a share of each limit at once, or waits for it. NULL: no memory. The caller must leave. */
struct share_ticket *fair_shares_enter(struct fair_shares *all, const struct share_entry *entry);

bool share_waits(struct share_ticket *ticket);

/* How many of `room` bytes may be read now, by the project's rate. 0: none for the next `wait_ms`.
 * `now_ms` is clock_ms(). */
size_t share_room(struct share_ticket *ticket, size_t room, uint64_t now_ms, uint64_t *wait_ms);
void share_took(struct share_ticket *ticket, size_t bytes, uint64_t now_ms); /* they were read */

/* Gives the share back, or leaves the line. `wake` is not called any more. NULL is fine. */
void share_leave(struct share_ticket *ticket);

size_t fair_shares_waiting(struct fair_shares *all); /* uploads that wait; NULL: 0 */

#endif
