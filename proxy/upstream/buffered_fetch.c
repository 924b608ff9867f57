/* SPDX-License-Identifier: Apache-2.0 */
/* A small request: collects its answer in memory, and limits its size and time. */
#include "intake/buffered_fetch.h"

#include "intake/settings.h"

#include <string.h>
#include <sys/param.h>

static void on_head(void *owner, unsigned status, const struct headers *headers)
{
    struct fetch *fetch = owner;
    fetch->answer.status = status;
    headers_each(row, headers)
        fetch->lost |= !headers_add(&fetch->answer.headers, row->name, row->value);
}

/* An answer that is too long is read to its end, so that the transfer completes. */
static bool on_data(void *owner, const void *bytes, size_t count)
{
    struct fetch *fetch = owner;
    fetch->too_long |= !buffer_may_hold(&fetch->answer.body, count);
    if (!fetch->too_long && !fetch->lost)
        fetch->lost = !buffer_append(&fetch->answer.body, bytes, count);
    return true;
}

static ssize_t on_pull(void *owner, void *into, size_t room)
{
    struct fetch *fetch = owner;
    size_t count = MIN(room, fetch->unsent_count);
    memcpy(into, fetch->unsent, count);
    fetch->unsent += count;
    fetch->unsent_count -= count;
    return count ? (ssize_t)count : STREAM_END;
}

static void on_done(void *owner, enum transfer_result result, const char *detail)
{
    struct fetch *fetch = owner;
    fetch->transfer = NULL;
    fetch->over = true;
    fetch->result = fetch->lost ? TRANSFER_NO_MEMORY : result;
    strncpy(fetch->detail, detail, sizeof fetch->detail - 1);
    fetch->wake(fetch->context);
}

static const struct upstream_callbacks FETCH = {
    .head = on_head, .data = on_data, .pull = on_pull, .done = on_done};

/* The caller's timeout, or else FETCH_TIMEOUT_MS; never more than the operator's stall_timeout. */
static uint64_t timeout(const struct upstream_request *request, const struct settings *settings)
{
    uint64_t asked = request->timeout ? request->timeout : FETCH_TIMEOUT_MS;
    uint64_t stall = settings->glance.stall_timeout;
    return stall < asked ? stall : asked;
}

bool fetch_start(struct fetch *fetch, struct glance *glance, const struct settings *settings,
                 const struct upstream_request *request, void (*wake)(void *context), void *context)
{
    struct upstream_request bounded = *request;
    bounded.timeout = timeout(request, settings);
    *fetch = (struct fetch){.wake = wake, .context = context, .begun = true};
    reply_init(&fetch->answer);
    fetch->unsent = request->body;
    fetch->unsent_count = request->body ? request->length : 0;
    fetch->transfer = transfer_start(glance, settings, &bounded, &FETCH, fetch);
    fetch->begun = fetch->transfer != NULL;
    return fetch->begun;
}

bool fetch_answered(const struct fetch *fetch)
{
    return fetch->over && fetch->result == TRANSFER_ANSWERED && !fetch->too_long;
}

void fetch_end(struct fetch *fetch)
{
    transfer_abort(fetch->transfer);
    if (fetch->begun)
        reply_free(&fetch->answer);
    *fetch = (struct fetch){0};
}
