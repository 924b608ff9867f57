/* SPDX-License-Identifier: Apache-2.0 */
/* An update whose body is buffered, for the tests of buffer_body.c. Include after <cmocka.h>. */
#ifndef BUFFERED_UPDATE_H
#define BUFFERED_UPDATE_H

#include "intake/ingest.h"
#include "unit/exchange/fixture.h"

static const char TEXT[] = "[{\"op\": \"replace\", \"path\": \"/name\", \"value\": \"x\"}]";

/* An update whose body is `text`; `length` UINT64_MAX: chunked. */
static inline void begin(struct fixture *fixture, void **state, const char *text, uint64_t length)
{
    static const char *const fields[] = {NULL};
    fixture_begin_ingest(fixture, state, ROUTE_UPDATE, fields, "default: {store: test}\n", length);
    fixture->client.sends = text;
    fixture->client.then = STREAM_END;
    fixture_enter(fixture);
}

enum { NEWCOMER_MAX = 16 << 10, NEWCOMERS_MAX = 4 << 20, KNOWN_MAX = 16 << 20 };

/* The first byte is there. */
static inline enum step_result go_on(struct fixture *fixture)
{
    fixture->x->body_readable = true;
    return fixture_run(fixture, buffer_body);
}

static const char IMAGE[] = "{\"id\": \"image\", \"status\": \"queued\"}";

/* Glance is asked for the image, and knows the client. */
static inline enum step_result go_on_known(struct fixture *fixture)
{
    assert_int_equal(go_on(fixture), STEP_WAIT);
    assert_true(fixture_question(fixture, QUESTION_IMAGE)->begun);
    fixture_answered(fixture_question(fixture, QUESTION_IMAGE), 200, IMAGE);
    return go_on(fixture);
}

/* `count` spaces and a NUL. */
static inline char *spaces(size_t count)
{
    char *text = malloc(count + 1);
    assert_non_null(text);
    memset(text, ' ', count);
    text[count] = '\0';
    return text;
}

#endif
