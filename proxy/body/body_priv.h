/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the body share.
 *
 *   body.c          the chain: made, prepared, read, ended
 *   filter.c        what every filter can do: read, refuse, report
 *   splice.c        what none of it has to read
 *   source.c        the client's bytes as they come
 *   envelope.c      takes the image out of a form (multipart.c finds it)
 *   measure.c       counts it against the limits and the client's own word
 *   inspect.c       holds its opening back until that has been judged; looks further on where a
 *                   format asks for it (proxy/format/)
 *   encoded.c       for inspect.c: a text in place of the image
 *   stripped.c      for inspect.c: damage; so is decoded.c
 *   glance_checks.c for inspect.c: what Glance would refuse
 *   spool_filter.c  spools it if its length is not known
 *   digest.c        hashes it (hashing.c: beside the loop), and holds the digests against those
 *                   that were promised
 *   promised.c      the comparison for that
 *   finish.c        holds its last byte back until the end has been seen, and agreed with
 */
#ifndef BODY_PRIV_H
#define BODY_PRIV_H

#include "intake/body.h"
#include "intake/stream.h"

struct filter;
struct hashing;

/* Nearest the client first: the order of the chain. */
enum filter_phase {
    FILTER_SOURCE,
    FILTER_UNWRAP,
    FILTER_MEASURE,
    FILTER_INSPECT,
    FILTER_SPOOL,
    FILTER_DIGEST,
    FILTER_FINISH,
    FILTER_PHASES
};

/* What a filter may be asked for: room for at least this many bytes. */
enum { FILTER_ROOM_MIN = 12 * 1024 };

struct filter_kind {
    enum filter_phase phase;
    size_t size; /* of its own struct, which begins with a struct filter and is zeroed */

    /* False: no memory. NULL: nothing to begin with. */
    bool (*begin)(struct filter *filter);

    /* As body_prepare(), for this filter alone. NULL: it is always ready. */
    int (*prepare)(struct filter *filter);

    /* As body_read(). */
    ssize_t (*read)(struct filter *filter, void *into, size_t room);

    /* How many of the next bytes may pass without being read; NULL: any number. */
    uint64_t (*splice_budget)(const struct filter *filter);

    /* So many have passed. NULL: it does not count. */
    void (*spliced)(struct filter *filter, uint64_t count);

    /* Frees what it holds, however far `begin` came. NULL: nothing. */
    void (*end)(struct filter *filter);
};

struct filter {
    const struct filter_kind *kind;
    struct filter *before;
    struct body *body;
};

extern const struct filter_kind filter_source, filter_envelope, filter_measure, filter_inspect,
    filter_spool, filter_digest, filter_finish;

struct body_notes {
    struct body_note rows[BODY_NOTES_MAX];
    size_t count;
};

struct body {
    struct body_plan plan;
    struct body_limits limits;
    struct filter *filters[FILTER_PHASES];

    /* What the filters have found out about the image. */
    bool length_known;
    uint64_t length;
    bool unwrapped;
    bool wrapped;      /* what is in the envelope is not looked at then */
    uint64_t measured; /* bytes of it that have come */
    bool opening_judged;
    bool virtual_size_known;
    uint64_t virtual_size;
    bool no_disk; /* no format has one in it, or goes on looking: it is as large as it is */
    const char *seen;
    enum glance_objection glance_objection;
    char glance_why[FORMAT_WORDS];
    bool finished; /* its end was seen, and agreed with */

    /* Latched: the first that objected. */
    enum refusal refusal;
    char detail[BODY_WORDS];
    bool refused_for_glance;

    bool audit; /* objections are notes */
    bool checks_wait;
    struct finding {
        enum refusal reason;
        enum check_level most; /* it is objected to at this level at the most */
        bool for_glance;       /* and whatever the levels say */
        char detail[BODY_WORDS];
    } kept[BODY_NOTES_MAX]; /* while `checks_wait` */
    size_t kept_count;
    struct body_notes warnings, audited;
};

/* Reads from the filter before. */
ssize_t filter_pull(struct filter *filter, void *into, size_t room);

/* Refuses, for good (the first reason counts), even where the policy only watches: for what cannot
 * go on. Always STREAM_REFUSED, for `return`. */
int filter_refuse(struct filter *filter, enum refusal reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int filter_no_memory(struct filter *filter); /* the same */

/* Objects as far as `level` says, and the policy. False: refused. True: noted, or without a word.
 */
bool filter_report(struct filter *filter, enum check_level level, enum refusal reason,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same of what Glance would refuse, for which there are no levels. */
bool filter_object_for_glance(struct filter *filter, enum refusal reason, const char *why);

/* glance_checks.c. False: refused. */
bool glance_checks_judge(struct filter *filter, const void *opening, size_t count);

/* body.c, in body_new(): what the checks find is kept until body_checks(). */
void filters_let_checks_wait(struct body *body);

/* measure.c: the limits against what is known by now. False: refused. */
bool body_within_limits(struct body *body);

/* promised.c. False: no memory. */
bool promised_want(const struct promises *promises, struct digests *set);

/* At the end of what was hashed. False: refused. */
bool promised_hold(struct filter *filter, const struct promises *promises, struct digests *set);

/* What the body tells of some of them. */
uint64_t spool_filter_count(const struct filter *filter);
struct hashing *digest_hashing(struct filter *filter);
struct digests *digest_set(struct filter *filter);
uint64_t finish_given(const struct filter *filter);

#endif
