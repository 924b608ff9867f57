/* SPDX-License-Identifier: Apache-2.0 */
/* Reserves bytes of a project's quota for uploads in flight, over all workers.
 *
 * Glance counts active images only. Two uploads may not fit together although each of them fits. So
 * each upload reserves its bytes before it is sent. The states of a reservation:
 * - provisional: from just before the upload is sent. A client that may only see the image gets
 *   this far, too, although Glance will refuse its upload. So a provisional reservation never
 *   causes a refusal: an upload that does not fit because of it waits a short time.
 * - firm: Glance has begun to read the body.
 * - stored: Glance has got the whole body, and the reservation has ended. From now on Glance's
 *   usage contains the bytes. A usage that was requested before may lack them.
 *
 * The last state needs care. Assume that an upload requests the usage before another image becomes
 * active, and checks it after the other reservation has ended: it would see the other bytes neither
 * in the usage nor as a reservation. So the stored bytes are added up. Before it requests the
 * usage, an upload takes a mark: the current sum. It is not known whether the usage contains the
 * bytes that were added after the mark. If they decide, the usage must be requested again. Bytes
 * can be counted twice only between the time when the image becomes active and Glance's answer to
 * the upload. */
#ifndef INTAKE_QUOTA_RESERVATIONS_H
#define INTAKE_QUOTA_RESERVATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct quota_reservations;
struct tally;

/* Shared by all workers. NULL: no memory. */
struct quota_reservations *quota_reservations_new(void);
/* All reservations must have ended. NULL is fine. */
void quota_reservations_free(struct quota_reservations *all);

/* One upload's reservation. Zero-initialised: none. */
struct quota_reservation {
    struct quota_reservations *all;
    void *row;
    uint64_t bytes;
    bool firm;
};

/* The mark; to be taken before the usage is requested. */
uint64_t quota_reservations_mark(struct quota_reservations *all);

struct quota_request {
    const char *key; /* identifies the limit: uploads with the same key share it */
    uint64_t bytes;
    uint64_t left; /* the limit minus the usage, in bytes. UINT64_MAX: no limit */
    uint64_t mark;
    bool trust_usage;        /* ignore bytes that were stored after the mark */
    bool ignore_provisional; /* ignore provisional reservations */
};

enum quota_outcome {
    QUOTA_RESERVED,
    QUOTA_FULL,  /* it does not fit, because of the usage and of firm reservations */
    QUOTA_STALE, /* bytes that were stored after the mark decide: request the usage again */
    QUOTA_WAIT,  /* provisional reservations, or those of other proxies, decide: wait and try again
                  */
    QUOTA_NO_MEMORY
};

/* Makes a provisional reservation. `firm` gets the sum of the firm reservations with this key, also
 * of other proxies; except with QUOTA_NO_MEMORY. */
enum quota_outcome quota_reserve(struct quota_reservations *all,
                                 const struct quota_request *requested,
                                 struct quota_reservation *out, uint64_t *firm);

/* The sum of the firm reservations of this proxy with this key, in bytes. */
uint64_t quota_reservations_firm(struct quota_reservations *all, const char *key);

/* An upload without a reservation was stored, since its size was not known before. */
void quota_stored(struct quota_reservations *all, const char *key, uint64_t bytes);

/* The bytes that were stored after `mark` and may count against the limit of `key`: some that other
 * projects have stored are among them. */
uint64_t quota_reservations_since(struct quota_reservations *all, const char *key, uint64_t mark);

/* --- other proxies ----------------------------------------------------------------------- */

/* Adds the reservations of this proxy, by key. `stored`: the bytes that were stored through it so
 * far; what ends meanwhile is in both rather than in neither. False: no memory. */
bool quota_reservations_tell(struct quota_reservations *all, struct tally *out, uint64_t *stored);

/* The reservations of the other proxies from now on. Takes over `elsewhere`; NULL: none. `stored`
 * bytes were stored there since the last call, of any key. What others have reserved may be a
 * second old, so it causes a wait before it causes a refusal. */
void quota_reservations_hear(struct quota_reservations *all, struct tally *elsewhere,
                             uint64_t stored);

void quota_confirm(struct quota_reservation *reservation); /* makes it firm */

/* Ends a reservation. `stored`: Glance has got the whole body. A zero-initialised one is fine. */
void quota_release(struct quota_reservation *reservation, bool stored);

#endif
