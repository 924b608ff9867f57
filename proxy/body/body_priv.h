/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations shared by the files of the body.
 *
 *   body.c                   the chain: creates, prepares, reads and frees it
 *   filter.c                 what every filter can do: pull, refuse, report a violation
 *   splice.c                 splices the bytes that no filter has to read
 *   source.c                 filter: reads the client's bytes
 *   envelope.c               filter: takes the image out of a form
 *   multipart.c              for envelope.c: finds the image in the form
 *   multipart_head.c         the header fields that describe a form
 *   multipart_delimiter.c    for multipart.c: finds the delimiters of a form
 *   form_fields.c            the fields of a form that come before its file
 *   multipart_guess.c        for envelope.c: recognises a form that is not declared as one
 *   decompress.c             filter: decompresses the image
 *   decompress_checks.c      for decompress.c: which images are, and why one cannot be
 *   measure.c                filter: checks the size against the limits and the promised size
 *   inspect.c                filter: holds the opening back until it has been checked; examines
 *                            later bytes if a format asks for them (proxy/format/)
 *   inspect_checks.c         checks the opening
 *   encoded.c                a check: an encoded file (base64, JSON, ...) in place of the image
 *   stripped.c               a check: bytes lost by curl -d
 *   decoded.c                a check: an image that was read and written as text
 *   line_ends.c              a check: converted line ends (inspect.c counts them)
 *   inspect_glance_checks.c  a check: what Glance would refuse
 *   spool_filter.c           filter: spools an image of unknown length, or a slow one
 *   pace.c                   for spool_filter.c: judges whether an image comes slowly
 *   digest.c                 filter: hashes the image
 *   hashing.c                for digest.c: hashes in other threads
 *   promised.c               for digest.c: compares the digests with the promised ones
 *   finish.c                 filter: holds the last byte back until every filter has agreed to it
 */
#ifndef BODY_PRIV_H
#define BODY_PRIV_H

#include "intake/body.h"
#include "intake/stream.h"

struct filter;
struct hashing;

/* The order of the chain, from the client to Glance. */
enum filter_phase {
    FILTER_SOURCE,
    FILTER_UNWRAP,
    FILTER_DECOMPRESS,
    FILTER_MEASURE,
    FILTER_INSPECT,
    FILTER_SPOOL,
    FILTER_DIGEST,
    FILTER_FINISH,
    FILTER_PHASES
};

/* A filter is never read with a smaller buffer than this. */
enum { FILTER_ROOM_MIN = 12 * 1024 };

struct filter_kind {
    enum filter_phase phase;
    size_t size; /* of the filter's own struct, which begins with a struct filter; zeroed */

    /* False: no memory. NULL: nothing to do. */
    bool (*begin)(struct filter *filter);

    /* As body_prepare(), for this filter alone. NULL: always ready. */
    int (*prepare)(struct filter *filter);

    /* As body_read(). */
    ssize_t (*read)(struct filter *filter, void *into, size_t room);

    /* How many of the next bytes may be spliced, that is pass unread. NULL: any number. */
    uint64_t (*splice_budget)(const struct filter *filter);

    /* `count` bytes were spliced. NULL: the filter does not count bytes. */
    void (*spliced)(struct filter *filter, uint64_t count);

    /* The image is read again from its first byte. Called only from the spool on. False: no memory.
     * NULL: the filter has no state. */
    bool (*rewind)(struct filter *filter);

    /* Frees what the filter holds, even if `begin` failed or was not called. NULL: nothing. */
    void (*end)(struct filter *filter);
};

struct filter {
    const struct filter_kind *kind;
    struct filter *before;
    struct body *body;
};

extern const struct filter_kind filter_source, filter_envelope, filter_decompress, filter_measure,
    filter_inspect, filter_spool, filter_digest, filter_finish;

struct body_notes {
    struct body_note rows[BODY_NOTES_MAX];
    size_t count;
};

enum body_form {
    FORM_NONE,
    FORM_UNWRAPPED, /* the image is taken out of its form */
    FORM_KEPT       /* the form is left around the image, and the image is not examined */
};

enum body_compression {
    BODY_AS_SENT, /* it is not compressed, or is to stay so */
    BODY_DECOMPRESSED,
    BODY_LEFT_COMPRESSED /* in audit mode: it would be decompressed, and is not examined */
};

struct body {
    struct body_plan plan;
    struct body_limits limits;
    struct filter *filters[FILTER_PHASES];

    /* What the filters know about the image. */
    bool length_known;
    uint64_t length;
    enum body_form form;
    enum body_compression compression;
    uint64_t measured; /* bytes that measure.c has counted */
    bool opening_judged;
    bool virtual_size_known;
    uint64_t virtual_size;
    bool no_disk; /* no format has a virtual size in it, and none asks for more bytes: the
                   * image's own size is checked against max_virtual_size */
    const char *seen;
    enum glance_objection glance_objection;
    char glance_why[FORMAT_WORDS];
    bool finished; /* every filter has seen the end and has agreed */

    /* Latched: the first violation that refused the body. */
    enum refusal refusal;
    char detail[BODY_WORDS];
    bool refused_for_glance;

    bool audit; /* violations are only noted */
    bool checks_wait;
    struct finding {
        enum refusal reason;
        enum check_level max_level; /* the check's level counts up to this one */
        bool for_glance;            /* the check's level does not count at all */
        char detail[BODY_WORDS];
    } deferred[BODY_NOTES_MAX]; /* while `checks_wait` */
    size_t deferred_count;
    struct body_notes warnings, audited;
};

/* Something is left around the image that would be taken away without audit mode. */
static inline bool body_is_kept(const struct body *body)
{
    return body->form == FORM_KEPT || body->compression == BODY_LEFT_COMPRESSED;
}

/* Reads from the previous filter. */
ssize_t filter_pull(struct filter *filter, void *into, size_t room);

/* Refuses the body, also in audit mode: for faults after which it cannot go on. The first reason is
 * kept. Always returns STREAM_REFUSED. */
int filter_refuse(struct filter *filter, enum refusal reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int filter_no_memory(struct filter *filter); /* as filter_refuse() */

/* Reports a violation. `level` and audit mode decide: False: the body is refused. True: the
 * violation was noted, or `level` is CHECK_OFF. */
bool filter_report(struct filter *filter, enum check_level level, enum refusal reason,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* As filter_report(), for data that Glance would refuse. Levels do not apply to that. */
bool filter_report_for_glance(struct filter *filter, enum refusal reason, const char *why);

/* inspect_glance_checks.c. False: refused. */
bool glance_checks_judge(struct filter *filter, const void *opening, size_t count);

/* Defers the findings of the checks until body_checks(). */
void filters_defer_checks(struct body *body);

/* measure.c: checks the limits against the sizes known so far. False: refused. */
bool body_within_limits(struct body *body);

/* promised.c: adds the promised algorithms to `set`. False: no memory. */
bool promised_add(const struct promises *promises, struct digests *set);

/* promised.c: compares, after the last byte was hashed. False: refused. */
bool promised_check(struct filter *filter, const struct promises *promises, struct digests *set);

/* decompress.c: see body_open(). */
int decompress_open(struct filter *filter);

/* Values that body.c and splice.c need from single filters. */
const void *inspect_opening(const struct filter *filter, size_t *count);
uint64_t spool_filter_count(const struct filter *filter);
bool spool_filter_is_slow(struct filter *filter);
bool spool_filter_has_all(const struct filter *filter);
struct hashing *digest_hashing(struct filter *filter);
struct digests *digest_set(struct filter *filter);
uint64_t finish_given(const struct filter *filter);

#endif
