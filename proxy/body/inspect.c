/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the opening of the image back until it has been checked, so that Glance gets no byte of a
 * bad image. Then it passes the opening on, and examines later bytes if the format asks for them.
 *
 *      | opening                  | later bytes, as they pass                       |
 *      0                   FORMAT_OPENING      next.offset [ look ]       [ look from the end ]
 */
#include "body/inspect_priv.h"
#include "intake/stream.h"

#include <stdlib.h>
#include <string.h>

static struct inspect *of(struct filter *filter)
{
    return (struct inspect *)filter;
}

/* --- looks at later bytes -------------------------------------------------------------- */

static bool look_complete(struct inspect *inspect)
{
    format_examine_more(&inspect->examination, inspect->look, inspect->look_count);
    inspect->look_count = 0;
    return inspect_check(inspect);
}

/* Keeps the last bytes so far, as many as the look from the end needs. */
static void keep_tail(struct inspect *inspect, const char *bytes, size_t count)
{
    size_t length = inspect->examination.next.length;
    if (count > length) {
        bytes += count - length;
        count = length;
    }
    size_t stay = inspect->look_count + count > length ? length - count : inspect->look_count;
    memmove(inspect->look, inspect->look + inspect->look_count - stay, stay);
    memcpy(inspect->look + stay, bytes, count);
    inspect->look_count = stay + count;
}

/* Copies the bytes of a chunk that belong to the look. Returns how many bytes of the chunk are done
 * with. */
static size_t keep_overlap(struct inspect *inspect, const char *bytes, size_t count)
{
    const struct format_look *look = &inspect->examination.next;
    uint64_t wanted = look->offset + inspect->look_count;
    if (wanted >= inspect->offset + count)
        return count;
    size_t skip = wanted > inspect->offset ? (size_t)(wanted - inspect->offset) : 0;
    size_t missing = look->length - inspect->look_count;
    size_t take = count - skip < missing ? count - skip : missing;
    memcpy(inspect->look + inspect->look_count, bytes + skip, take);
    inspect->look_count += take;
    return skip + take;
}

static bool examine(struct inspect *inspect, const char *bytes, size_t count)
{
    const struct format_look *look = &inspect->examination.next;
    while (count && look->length) {
        if (!inspect->look && !(inspect->look = malloc(FORMAT_LOOK_MAX)))
            return filter_no_memory(&inspect->filter) == 1;
        if (look->offset & FORMAT_FROM_END) {
            keep_tail(inspect, bytes, count);
            break;
        }
        size_t done = keep_overlap(inspect, bytes, count);
        inspect->offset += done;
        bytes += done;
        count -= done;
        if (inspect->look_count == look->length && !look_complete(inspect))
            return false;
    }
    inspect->offset += count;
    return true;
}

static bool examine_end(struct inspect *inspect)
{
    inspect->end_seen = true;
    while (inspect->examination.next.length)
        if (!look_complete(inspect))
            return false;
    if (inspect->examined && format_examine_end(&inspect->examination, inspect->offset) &&
        !inspect_check(inspect))
        return false;
    return inspect_check_line_ends(inspect);
}

/* --- the opening ----------------------------------------------------------------------- */

/* A look at the end of the body may begin within the bytes that were checked already. */
static bool examine_opening(struct inspect *inspect, size_t judged)
{
    size_t from = inspect->examination.next.offset & FORMAT_FROM_END ? 0 : judged;
    inspect->offset = from;
    return examine(inspect, inspect->opening + from, inspect->count - from);
}

/* The length that a form tells is too large if a field follows the file. Once the image has ended,
 * its exact length is known. */
static void learn_length(struct inspect *inspect)
{
    struct body *body = inspect->filter.body;
    if (!inspect->ended || body->plan.audit || (body->length_known && body->form != FORM_UNWRAPPED))
        return;
    body->length_known = true;
    body->length = inspect->count;
}

/* An image may have properties and no data. In audit mode it may have no formats. */
static bool is_an_image(const struct inspect *inspect)
{
    const struct body *body = inspect->filter.body;
    return inspect->count > 0 && body->plan.disk_format && body->plan.container_format;
}

/* The promised size and the Content-Length are enforced, so they can be relied on. The length that
 * a form tells is an estimate. */
static uint64_t announced_length(const struct inspect *inspect)
{
    const struct body *body = inspect->filter.body;
    if (body->plan.promised && !body->plan.audit)
        return body->plan.promise;
    if (inspect->ended)
        return inspect->count;
    return body->length_known && body->form != FORM_UNWRAPPED ? body->length
                                                              : FORMAT_LENGTH_UNKNOWN;
}

static void begin_line_ends(struct inspect *inspect, uint64_t length)
{
    const struct body_plan *plan = &inspect->filter.body->plan;
    inspect->counts_line_ends =
        length != FORMAT_LENGTH_UNKNOWN && plan->checks.damaged != CHECK_OFF &&
        line_ends_suspected(plan->disk_format, plan->container_format, length);
    if (inspect->counts_line_ends)
        line_ends_add(&inspect->line_ends, inspect->opening, inspect->count);
}

static bool judge_opening(struct inspect *inspect)
{
    struct body *body = inspect->filter.body;
    size_t count = inspect_checked_count(inspect);
    learn_length(inspect);
    body->opening_judged = true;
    if (body_is_kept(body))
        return true;
    if (!inspect_check_damage(inspect))
        return false;
    if (!is_an_image(inspect))
        return true;
    inspect->examined = true;
    uint64_t length = announced_length(inspect);
    begin_line_ends(inspect, length);
    format_examine(inspect->opening, count, body->plan.disk_format, length, &inspect->examination);
    return inspect_check(inspect) && examine_opening(inspect, count) &&
           (!inspect->ended || examine_end(inspect));
}

static int prepare(struct filter *filter)
{
    struct inspect *inspect = of(filter);
    if (filter->body->opening_judged)
        return 1;
    if (!inspect->opening && !(inspect->opening = malloc(OPENING_ROOM)))
        return filter_no_memory(filter);
    while (!inspect->ended && inspect->count < FORMAT_OPENING) {
        ssize_t got =
            filter_pull(filter, inspect->opening + inspect->count, OPENING_ROOM - inspect->count);
        if (got < 0)
            return (int)got;
        inspect->ended = got == 0;
        inspect->count += (size_t)got;
    }
    return judge_opening(inspect) ? 1 : STREAM_REFUSED;
}

static void forget_opening(struct inspect *inspect)
{
    if (inspect->examination.next.length)
        return;
    free(inspect->opening);
    free(inspect->look);
    inspect->opening = inspect->look = NULL;
}

static size_t give_opening(struct inspect *inspect, void *into, size_t room)
{
    size_t left = inspect->count - inspect->given;
    size_t count = left < room ? left : room;
    memcpy(into, inspect->opening + inspect->given, count);
    inspect->given += count;
    if (count == left)
        forget_opening(inspect); /* the next bytes may be spliced, and then no read frees it */
    return count;
}

static ssize_t read_inspect(struct filter *filter, void *into, size_t room)
{
    struct inspect *inspect = of(filter);
    if (inspect->given < inspect->count)
        return (ssize_t)give_opening(inspect, into, room);
    if (inspect->opening)
        forget_opening(inspect);
    if (inspect->ended || inspect->end_seen)
        return STREAM_END;
    ssize_t got = filter_pull(filter, into, room);
    if (got < 0)
        return got;
    if (inspect->counts_line_ends)
        line_ends_add(&inspect->line_ends, into, (size_t)got);
    bool good = got ? examine(inspect, into, (size_t)got) : examine_end(inspect);
    return good ? got : STREAM_REFUSED;
}

/* Bytes up to the format's next look may be spliced. */
static uint64_t splice_budget(const struct filter *filter)
{
    const struct inspect *inspect = (const struct inspect *)filter;
    const struct format_look *look = &inspect->examination.next;
    if (inspect->given < inspect->count || inspect->ended || inspect->end_seen ||
        inspect->counts_line_ends)
        return 0;
    if (!look->length)
        return UINT64_MAX;
    if (look->offset & FORMAT_FROM_END || look->offset <= inspect->offset)
        return 0;
    return look->offset - inspect->offset;
}

static void spliced(struct filter *filter, uint64_t count)
{
    of(filter)->offset += count;
}

const void *inspect_opening(const struct filter *filter, size_t *count)
{
    const struct inspect *inspect = (const struct inspect *)filter;
    *count = inspect->opening ? inspect_checked_count(inspect) : 0;
    return *count ? inspect->opening : NULL;
}

static void end(struct filter *filter)
{
    free(of(filter)->opening);
    free(of(filter)->look);
}

const struct filter_kind filter_inspect = {
    .phase = FILTER_INSPECT,
    .size = sizeof(struct inspect),
    .prepare = prepare,
    .read = read_inspect,
    .splice_budget = splice_budget,
    .spliced = spliced,
    .end = end,
};
