/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the chain of filters in the order of the phases, and reads from its end. */
#include "intake/stream.h"

#include "body/body_priv.h"
#include "body/hashing.h"

#include <stdlib.h>

static const struct filter_kind *const KINDS[] = {
    &filter_source,  &filter_envelope, &filter_decompress, &filter_measure,
    &filter_inspect, &filter_spool,    &filter_digest,     &filter_finish,
};

/* --- create and free ------------------------------------------------------------------- */

static bool add_filter(struct body *body, const struct filter_kind *kind)
{
    struct filter *filter = calloc(1, kind->size);
    if (!filter)
        return false;
    filter->kind = kind;
    filter->body = body;
    body->filters[kind->phase] = filter;
    return true;
}

static bool begin_chain(struct body *body)
{
    struct filter *before = NULL;
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        filter->before = before;
        if (filter->kind->begin && !filter->kind->begin(filter))
            return false;
        before = filter;
    }
    return true;
}

struct body *body_new(const struct body_plan *plan)
{
    struct body *body = calloc(1, sizeof *body);
    if (!body)
        return NULL;
    body->plan = *plan;
    body->audit = plan->audit;
    if (plan->checks_wait)
        filters_defer_checks(body);
    body->limits = (struct body_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    bool good = true;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        good = good && add_filter(body, KINDS[i]);
    if (!good || !begin_chain(body)) {
        body_free(body);
        return NULL;
    }
    return body;
}

void body_free(struct body *body)
{
    if (!body)
        return;
    for (size_t phase = 0; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        if (filter && filter->kind->end)
            filter->kind->end(filter);
        free(filter);
    }
    free(body);
}

/* --- read from the end ----------------------------------------------------------------- */

void body_limit(struct body *body, const struct body_limits *limits)
{
    body->limits = *limits;
    body_within_limits(body);
}

int body_open(struct body *body)
{
    return body->refusal ? STREAM_REFUSED : decompress_open(body->filters[FILTER_DECOMPRESS]);
}

void body_size_comes(struct body *body, bool spools, bool checks_wait)
{
    body->plan.spools_unknown_length = spools;
    if (checks_wait)
        filters_defer_checks(body);
}

static int prepare_phases(struct body *body, size_t end)
{
    for (size_t phase = 0; phase < end; phase++) {
        struct filter *filter = body->filters[phase];
        int ready = body->refusal           ? STREAM_REFUSED
                    : filter->kind->prepare ? filter->kind->prepare(filter)
                                            : 1;
        if (ready != 1)
            return ready;
    }
    return 1;
}

int body_prepare(struct body *body)
{
    return prepare_phases(body, FILTER_PHASES);
}

int body_prepare_opening(struct body *body)
{
    return prepare_phases(body, FILTER_INSPECT + 1);
}

ssize_t body_read(struct body *body, void *into, size_t room)
{
    if (body->refusal)
        return STREAM_REFUSED;
    struct filter *last = body->filters[FILTER_PHASES - 1];
    return last->kind->read(last, into, room);
}

const void *body_opening(const struct body *body, size_t *count)
{
    return inspect_opening(body->filters[FILTER_INSPECT], count);
}

bool body_length(const struct body *body, uint64_t *length)
{
    *length = body->length;
    return body->length_known;
}

enum refusal body_refusal(const struct body *body, const char **detail)
{
    *detail = body->detail;
    return body->refusal;
}

size_t body_warnings(const struct body *body, const struct body_note **rows)
{
    *rows = body->warnings.rows;
    return body->warnings.count;
}

size_t body_audited(const struct body *body, const struct body_note **rows)
{
    *rows = body->audited.rows;
    return body->audited.count;
}

bool body_finished(const struct body *body)
{
    return body->finished;
}

bool body_unwrapped(const struct body *body)
{
    return body->form == FORM_UNWRAPPED;
}

bool body_wrapped(const struct body *body)
{
    return body->form == FORM_KEPT;
}

bool body_decompressed(const struct body *body)
{
    return body->compression == BODY_DECOMPRESSED;
}

bool body_left_compressed(const struct body *body)
{
    return body->compression == BODY_LEFT_COMPRESSED;
}

uint64_t body_spooled(const struct body *body)
{
    return spool_filter_count(body->filters[FILTER_SPOOL]);
}

bool body_can_rewind(const struct body *body)
{
    return !body->refusal && spool_filter_has_all(body->filters[FILTER_SPOOL]);
}

bool body_rewind(struct body *body)
{
    body->finished = false;
    bool good = true;
    for (size_t phase = FILTER_SPOOL; phase < FILTER_PHASES; phase++) {
        struct filter *filter = body->filters[phase];
        good = good && (!filter->kind->rewind || filter->kind->rewind(filter));
    }
    return good;
}

bool body_is_slow(struct body *body)
{
    return spool_filter_is_slow(body->filters[FILTER_SPOOL]);
}

uint64_t body_count(const struct body *body)
{
    return finish_given(body->filters[FILTER_FINISH]);
}

const struct block_sums *body_sums(struct body *body)
{
    bool as_sent = body->form == FORM_NONE && body->compression == BODY_AS_SENT;
    return as_sent ? hashing_sums(digest_hashing(body->filters[FILTER_DIGEST])) : NULL;
}

bool body_is_hashed(struct body *body)
{
    return hashing_is_over(digest_hashing(body->filters[FILTER_DIGEST]));
}

struct digests *body_digests(struct body *body)
{
    return digest_set(body->filters[FILTER_DIGEST]);
}
