/* SPDX-License-Identifier: Apache-2.0 */
/* Passes the bytes of an upload through a chain of filters on their way to Glance:
 *
 *     source -> unwrap -> decompress -> measure -> inspect -> spool -> digest -> finish
 *                                                                                  -> Glance
 *
 * Each filter pulls from the one before it. body_prepare() pulls until the opening of the image has
 * been checked and its length is known, or is known to stay unknown. body_read() then returns the
 * image. The first violation that refuses the body is final.
 *
 * In audit mode (`audit`) the client's bytes go on unchanged: nothing is unwrapped, decompressed
 * or spooled, and a violation is only noted. */
#ifndef INTAKE_BODY_H
#define INTAKE_BODY_H

#include "intake/format.h"
#include "intake/refusal.h"
#include "intake/settings.h"
#include "intake/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct block_sums;
struct body;
struct digests;
struct thread_pool;
struct loop;
struct promises;
struct spools;

enum { BODY_WORDS = 256, BODY_READ_MIN = 16 * 1024 };

/* What is known before the first byte. Everything it points to must outlive the body. */
struct body_plan {
    ssize_t (*read)(void *context, void *into, size_t room); /* as client_read() */
    ssize_t (*splice)(void *context, int pipe, size_t room); /* as client_splice(); NULL: never */
    void (*wake)(void *context); /* called after STREAM_WAIT, unless the source had to wait */
    void *context;

    bool length_known; /* `length` is the Content-Length, with the form around the image */
    uint64_t length;
    bool promised; /* `promise` is x-openstack-image-size: the size of the image alone */
    uint64_t promise;
    const char *content_type; /* NULL: none */
    const char *disk_format;
    const char *container_format;
    const char *vmware_disktype; /* as in struct image */
    const char *hypervisor;
    const struct promises *promises;       /* digests of the body as sent, with any form around */
    const struct promises *image_promises; /* digests of the image alone */
    const char *glance_hash;               /* Glance's os_hash_algo; "": not known yet */
    bool spools_unknown_length; /* a body whose length stays unknown is spooled, else streamed */
    bool on_disk;               /* `read` reads a file: it is not slow */
    bool keeps_sums;            /* with `length_known`: see body_sums() */
    bool decompresses;          /* compressed = decompress; a compressed image is decompressed,
                                 * unless its formats (NULL: not known yet) stay compressed */
    bool may_be_empty;
    bool audit;        /* the body goes on unchanged; see body_audit() */
    bool form_is_ours; /* a form is unwrapped in audit mode, too: it is part of this proxy's own API
                        */
    bool size_chose;   /* with `audit`: an audit rule that was chosen by size while other rules
                        * enforce. The promise and the size_ceiling are still enforced: beyond them
                        * another rule applies, which may not be in audit mode. */

    const struct settings *settings; /* [upload] */
    struct check_levels checks;      /* of [upload], or of the rule that applies */
    unsigned glance_refuses; /* set of GLANCE_OBJECTION_BIT(): data that Glance refuses after
                              * storing it is refused here first. `checks` do not apply: they cannot
                              * change what Glance refuses. */
    bool checks_wait; /* another rule with other levels may still apply: findings of the checks
                       * are deferred until body_checks() */
    struct spools *spools;
    struct thread_pool *digest_threads;     /* computes the digests; NULL: the loop's thread does */
    struct thread_pool *decompress_threads; /* see decompressor.h; used with `decompresses` */
    struct loop *loop;
};

/* Limits of the image, in bytes. UINT64_MAX: no such limit. */
struct body_limits {
    uint64_t max_size;         /* TOO_LARGE */
    uint64_t size_ceiling;     /* LENGTH_REQUIRED; see policy_decision */
    uint64_t max_virtual_size; /* TOO_LARGE */
};

/* NULL: no memory. The caller owns the result. */
struct body *body_new(const struct body_plan *plan);
void body_free(struct body *body); /* NULL is fine */

/* Sets the limits. They also apply to the bytes that have passed already. May be called again. */
void body_limit(struct body *body, const struct body_limits *limits);

/* Sets the levels, and applies them to the findings that were deferred (`checks_wait`). */
void body_checks(struct body *body, const struct check_levels *checks);

/* Pulls until it is known whether the image is in a form, and whether it is compressed. Returns as
 * body_prepare(). Afterwards body_length() tells what is known of the length so far. A length that
 * compressed data announces is not compared with the limits yet: other limits may apply to it. Set
 * them before body_prepare(). */
int body_open(struct body *body);

/* Between body_open() and body_prepare(): the length of the image is not known yet, or not that of
 * the plan. The two values replace those of the plan. */
void body_size_comes(struct body *body, bool spools, bool checks_wait);

/* Pulls until reading may begin. Returns 1, STREAM_WAIT, STREAM_LOST or STREAM_REFUSED. Call it
 * again after STREAM_WAIT. */
int body_prepare(struct body *body);

/* From here on, violations that a policy can let pass are noted instead of refused. With `audit` in
 * the plan, this holds from the start. */
void body_audit(struct body *body);

/* After body_prepare() returned 1: the exact length of the image. False: the image is sent without
 * a known length. */
bool body_length(const struct body *body, uint64_t *length);

/* Reads up to `room` bytes of the image (`room` is at least BODY_READ_MIN), or returns a STREAM_
 * code. If the length is known, the last byte is returned only after every filter has seen the end
 * and has agreed. */
ssize_t body_read(struct body *body, void *into, size_t room);

/* As body_read(), but into an empty pipe. STREAM_NO_SPLICE: a filter has to read the next bytes. */
ssize_t body_splice(struct body *body, int pipe, size_t room);

/* Why the body was refused. `detail` is a clause, or ""; it is valid as long as the body. */
enum refusal body_refusal(const struct body *body, const char **detail);

/* True: the body was refused because Glance would refuse it after storing it. */
bool body_refused_for_glance(const struct body *body);

/* What Glance would refuse the body for, even if `glance_refuses` does not have it. `why` is as for
 * format_glance_objects(). Call it after body_prepare() returned 1. */
enum glance_objection body_glance_objection(const struct body *body, const char **why);

/* As body_prepare(), but only until the beginning of the image is there, for body_opening(). */
int body_prepare_opening(struct body *body);

/* The beginning of the image: FORMAT_OPENING bytes, or less if that is all of it. Borrowed until
 * the body is read. NULL: it has no data. */
const void *body_opening(const struct body *body, size_t *count);

/* The format that the data looks like. NULL: no known format, or the data was not examined. */
const char *body_seen(const struct body *body);

/* Violations that were let pass. Each reason is noted once, with its detail. */
enum { BODY_NOTES_MAX = 10 };
struct body_note {
    enum refusal reason;
    char detail[BODY_WORDS];
};

/* How many notes there are so far. `rows` is borrowed. body_warnings() has those that a check's
 * level let pass, body_audited() those that audit mode let pass. */
size_t body_warnings(const struct body *body, const struct body_note **rows);
size_t body_audited(const struct body *body, const struct body_note **rows);

bool body_finished(const struct body *body);     /* all of it was read, and the end was agreed on */
bool body_unwrapped(const struct body *body);    /* after body_open(): it is taken out of a form */
bool body_wrapped(const struct body *body);      /* the form was left around the image (`audit`) */
bool body_decompressed(const struct body *body); /* after body_open() */
bool body_left_compressed(const struct body *body); /* it would be decompressed (`audit`) */
uint64_t body_spooled(const struct body *body);     /* bytes on disk so far */
/* The whole image is on disk, and can be read again. */
bool body_can_rewind(const struct body *body);

/* Begins reading again from the image's first byte, and computes the digests again. Only if
 * body_can_rewind(). False: no memory; the body must not be read any more. */
bool body_rewind(struct body *body);

/* With slow = spool: the opening seconds were slow, so the whole image goes to disk first. It is
 * decided BODY_PACE_MS after the first byte. */
enum { BODY_PACE_MS = 3000 };
bool body_is_slow(struct body *body);
uint64_t body_count(const struct body *body); /* bytes read or spliced so far */

/* The digests of the image, valid once it is finished: with verify = digest SHA-512 and Glance's
 * own algorithm (MD5 while that is not known); in any case those that were promised. Borrowed. */
struct digests *body_digests(struct body *body);

/* With `keeps_sums`: checksums of the bytes that were read or spliced so far, if they are hashed,
 * and go on as they came. Borrowed. NULL: there are none. */
const struct block_sums *body_sums(struct body *body);

/* True: the checksums have all these bytes, and may be read. False: wait. */
bool body_is_hashed(struct body *body);

/* Nanoseconds of CPU time that all uploads of the process have spent on digests so far. */
uint64_t body_hashing_ns(void);

#endif
