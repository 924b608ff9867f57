/* SPDX-License-Identifier: Apache-2.0 */
/* An upload of an image in each way, pumped through the whole chain. Include after <cmocka.h>. */
#ifndef BODY_BODY_ATTEMPTS_H
#define BODY_BODY_ATTEMPTS_H

#include "intake/body.h"
#include "intake/digest.h"
#include "intake/stream.h"
#include "pump.h"
#include "uploads.h"

enum { MANY = 5 * SPOOL_BLOCK / 4 };

/* --- the outcome ----------------------------------------------------------------------- */

static inline struct pump pump_of(struct sent_upload *upload, const struct feeder *from,
                                  size_t room)
{
    upload->feeder = *from;
    upload->plan.context = &upload->feeder;
    struct pump pump = {
        body_of(&upload->plan), &upload->feeder, upload->image, upload->count, room, 0};
    body_limit(pump.body, &upload->limits);
    return pump;
}

static inline void assert_passed(const struct sent_upload *upload, const struct pump *pump)
{
    unsigned char sha512[DIGEST_MAX_BYTES];
    size_t size;
    bool spooled = !is_told(upload) && upload->way->unknown_length == UNKNOWN_LENGTH_SPOOL;
    const struct body_note *rows;
    assert_int_equal(pump->given, upload->count);
    assert_int_equal(body_count(pump->body), upload->count);
    assert_int_equal(body_spooled(pump->body), spooled ? upload->count : 0);
    assert_int_equal(body_unwrapped(pump->body), upload->way->before[0] != '\0');
    assert_int_equal(body_warnings(pump->body, &rows), 0);
    assert_true(digests_get(body_digests(pump->body), "sha512", sha512, &size));
    assert_int_equal(size, sizeof upload->sha512);
    assert_memory_equal(sha512, upload->sha512, sizeof upload->sha512);
}

/* It passes complete, or it is refused before its last byte. */
static inline void try_good(struct sent_upload *upload, const struct feeder *from, size_t room)
{
    const char *detail;
    uint64_t length;
    struct pump pump = pump_of(upload, from, room);
    int ready = pump_prepare(&pump);
    if (ready != 1)
        fail_msg("%s, %zu bytes: %d, %d", upload->way->what, upload->count, ready,
                 (int)body_refusal(pump.body, &detail));
    bool streamed = !is_told(upload) && upload->way->unknown_length == UNKNOWN_LENGTH_STREAM;
    assert_int_equal(body_length(pump.body, &length), !streamed);
    int end = pump_read(&pump);
    bool wrong = is_predicted_wrong(upload);
    if (end != (wrong ? STREAM_REFUSED : STREAM_END))
        fail_msg("%s, %zu bytes: %d", upload->way->what, upload->count, end);
    assert_int_equal(body_refusal(pump.body, &detail),
                     wrong ? REFUSAL_MULTIPART_MALFORMED : REFUSAL_NONE);
    if (!wrong)
        assert_passed(upload, &pump);
    if (!wrong && !streamed)
        assert_int_equal(length, upload->count);
    body_done(pump.body);
}

/* --- what is not ----------------------------------------------------------------------- */

#define NONE UINT64_MAX
#define UNLIMITED                                                                                  \
    {                                                                                              \
        NONE, NONE, NONE                                                                           \
    }

#endif
