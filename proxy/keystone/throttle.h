/* SPDX-License-Identifier: Apache-2.0 */
/* Slows down logins after failed ones, per address and per user name, over all workers.
 *
 * Each of both may fail a few times. Then it must wait before each further attempt, twice as long
 * each time. Who comes too early is refused at once, so that nobody holds a connection open.
 * Attempts under way count as failed until they have ended: many at one time are no way around. An
 * attempt that would be too many only if those fail waits for their end.
 *
 * A user name that succeeds starts anew. An address does not: somebody with a login of his own
 * could otherwise try those of others for ever. Both are forgotten when they have not failed for
 * long. */
#ifndef KEYSTONE_THROTTLE_H
#define KEYSTONE_THROTTLE_H

#include "keystone/keyed_hash.h"

#include <stdint.h>

struct throttle;

enum {
    THROTTLE_ADDRESS_FREE = 10,       /* failures of an address without a delay */
    THROTTLE_ADDRESS_FIRST_MS = 1000, /* the first delay after them */
    THROTTLE_ADDRESS_MOST_MS = 60000, /* no delay is longer */
    THROTTLE_ADDRESS_FORGET_MS = 900000,
    /* Fewer than Keystone's lockout_failure_attempts usually are (5 or 6), in the time for which it
     * locks a user out (lockout_duration, usually half an hour): 3 at once, one after 10 minutes,
     * one after 30. */
    THROTTLE_USER_FREE = 3,
    THROTTLE_USER_FIRST_MS = 600000,
    THROTTLE_USER_MOST_MS = 3600000,
    THROTTLE_USER_FORGET_MS = 7200000,
    THROTTLE_ROWS = 4096 /* addresses, and as many users; what failed longest ago goes first */
};

/* Thread-safe, as are all calls. NULL: no memory. */
struct throttle *throttle_new(void);
void throttle_free(struct throttle *throttle); /* NULL is fine */

/* Who tries to log in. */
struct throttle_caller {
    struct keyed_hash address;
    struct keyed_hash user;
};

/* An IPv6 address counts with its /64, which is what one customer has. Names of users count without
 * their case, blanks and characters outside of ASCII, which not every database of Keystone's tells
 * apart. False: no memory. */
bool throttle_caller_of(const struct hash_key *key, const char *address, const char *user,
                        struct throttle_caller *out);

enum throttle_verdict { THROTTLE_GO, THROTTLE_WAIT, THROTTLE_REFUSE };

/* GO: the attempt may begin, and throttle_end() must follow. WAIT: ask again soon. REFUSE:
 * `*retry_ms` is how long the caller must wait. */
enum throttle_verdict throttle_begin(struct throttle *throttle,
                                     const struct throttle_caller *caller, uint64_t *retry_ms);

enum throttle_outcome {
    THROTTLE_GOOD,
    THROTTLE_BAD,
    THROTTLE_UNDECIDED /* Keystone has not said: it counts for nothing */
};
void throttle_end(struct throttle *throttle, const struct throttle_caller *caller,
                  enum throttle_outcome outcome);

#endif
