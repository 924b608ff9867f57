/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an upload on their way to Glance, through a chain of filters:
 *
 *     source -> unwrap -> measure -> inspect -> spool -> digest -> finish -> Glance
 *
 * Each pulls from the one before it. body_prepare() pulls until the opening of the image has been
 * judged and its length is known (or never will be); body_read() then gives out the image. The
 * first filter that objects decides, for good.
 *
 * Where the policy only watches (`audit`) the bytes are the client's own, whatever they are:
 * nothing is unwrapped or spooled, and an objection is a note. */
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

struct body;
struct digests;
struct thread_pool;
struct loop;
struct promises;
struct spools;

enum { BODY_WORDS = 256, BODY_READ_MIN = 16 * 1024 };

/* All that is known before the first byte. Borrowed for as long as the body lives. */
struct body_plan {
    ssize_t (*read)(void *context, void *into, size_t room); /* as client_read() */
    ssize_t (*move)(void *context, int pipe, size_t room);   /* as client_splice(); NULL: never */
    void (*wake)(void *context); /* after STREAM_WAIT, when it was not the source that waited */
    void *context;

    bool length_known; /* Content-Length, the envelope included */
    uint64_t length;
    bool promised; /* x-openstack-image-size: of the image itself */
    uint64_t promise;
    const char *content_type; /* NULL: none */
    const char *disk_format;
    const char *container_format;
    const char *vmware_disktype; /* as in struct image */
    const char *hypervisor;
    const struct promises *promises;       /* digests of the body as it is sent, form and all */
    const struct promises *image_promises; /* of the image itself */
    const char *glance_hash;               /* what Glance hashes with; "": it has not said so yet */
    bool may_be_empty;
    bool audit;      /* what comes goes on as it came; see body_audit() */
    bool size_chose; /* with `audit`: the promise and the size_ceiling are held to all the same,
                      * for beyond them is another rule, which may not watch */

    const struct settings *settings; /* [upload] */
    struct check_levels checks;      /* of [upload], or of the rule that applies */
    unsigned
        glance_refuses; /* after storing it, and is spared: a set of GLANCE_OBJECTION_BIT();
                         * whatever `checks` say, for what Glance refuses is no choice of ours */
    bool checks_wait;   /* another rule may apply, with other levels: what the checks find is kept
                         * until body_checks() */
    struct spools *spools;
    struct thread_pool
        *digest_threads; /* who hashes beside the loop; NULL: nobody, it is done where it comes */
    struct loop *loop;
};

/* What the image may have. UINT64_MAX: no such limit. */
struct body_limits {
    uint64_t max_size;         /* TOO_LARGE */
    uint64_t size_ceiling;     /* LENGTH_REQUIRED; see policy_decision */
    uint64_t max_virtual_size; /* TOO_LARGE */
};

/* NULL: no memory. Owned by the caller. */
struct body *body_new(const struct body_plan *plan);
void body_free(struct body *body); /* NULL is fine */

/* In force from here on, and for what has passed already; may be called again. */
void body_limit(struct body *body, const struct body_limits *limits);

/* The levels that count, also for what was kept before (`checks_wait`). */
void body_checks(struct body *body, const struct check_levels *checks);

/* Pulls until reading may begin: 1, or STREAM_WAIT, STREAM_LOST, STREAM_REFUSED. Call it again
 * after STREAM_WAIT. */
int body_prepare(struct body *body);

/* From here on whatever a policy could let pass is noted instead of refused. With `audit` in the
 * plan that is so from the beginning. */
void body_audit(struct body *body);

/* After body_prepare() gave 1: the exact length of the image; false: it goes on unknown. */
bool body_length(const struct body *body, uint64_t *length);

/* Up to `room` (at least BODY_READ_MIN) bytes of the image, or one of the codes. The last byte of
 * an image whose length is known comes only when every filter has seen the end and agreed. */
ssize_t body_read(struct body *body, void *into, size_t room);

/* As body_read(), but into an empty pipe: for as long as no filter has to see the bytes. */
ssize_t body_splice(struct body *body, int pipe, size_t room);

/* Why it was refused, and the particulars (a clause, or ""). */
enum refusal body_refusal(const struct body *body, const char **detail);

/* Was it refused because Glance would refuse it after storing it? */
bool body_refused_for_glance(const struct body *body);

/* What Glance would refuse it for, whether or not that was spared it; `why` as of
 * format_glance_objects(). After body_prepare() gave 1. */
enum glance_objection body_glance_objection(const struct body *body, const char **why);

/* The format that the data looks like; NULL: none that is known, or nobody has looked. */
const char *body_seen(const struct body *body);

/* What was let pass, each reason once, with its particulars: how many there are so far. */
enum { BODY_NOTES_MAX = 10 };
struct body_note {
    enum refusal reason;
    char detail[BODY_WORDS];
};
size_t body_warnings(const struct body *body, const struct body_note **rows); /* by the settings */
size_t body_audited(const struct body *body, const struct body_note **rows);  /* by the policy */

bool body_finished(const struct body *body);    /* all of it was given out */
bool body_unwrapped(const struct body *body);   /* an envelope was taken off */
bool body_wrapped(const struct body *body);     /* one was left on (`audit`) */
uint64_t body_spooled(const struct body *body); /* bytes on disk so far */
uint64_t body_count(const struct body *body);   /* bytes given out by body_read() */

/* The digests of the image, when it is finished: with verify = digest SHA-512 and whatever Glance
 * hashes with (MD5 until it has said so), and always those that were promised. */
struct digests *body_digests(struct body *body);

#endif
