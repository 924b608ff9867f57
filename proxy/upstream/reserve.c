/* SPDX-License-Identifier: Apache-2.0 */
/* The reserve of an upload: its latest bytes, which Glance does not get yet.
 *
 * uWSGI, which runs Glance, ends a request whose body brings no byte for `socket-timeout` seconds.
 * A client on a bad line may be silent for longer. So the transfer stays RESERVE_MAX bytes behind
 * its client, and sends one of them at each feed_interval in which the client is silent. The end of
 * the body goes out at once, so an upload does not take longer. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

/* Only for image data: other bodies are small, and come from clients that wait for no one. */
void reserve_prepare(struct transfer *transfer)
{
    transfer->reserve.interval =
        transfer->owner->move ? transfer->settings->glance.feed_interval : 0;
}

/* Without memory nothing is held back, and the upload goes on. */
static size_t capacity(struct reserve *reserve)
{
    if (!reserve->interval)
        return 0;
    if (!reserve->bytes)
        reserve->bytes = malloc(RESERVE_MAX);
    return reserve->bytes ? RESERVE_MAX : 0;
}

size_t reserve_kept_of(struct transfer *transfer, size_t count)
{
    struct reserve *reserve = &transfer->reserve;
    return transfer->all_pulled ? 0 : MIN(capacity(reserve), reserve->count + count);
}

size_t reserve_take(struct reserve *reserve, void *into, size_t count)
{
    count = MIN(count, reserve->count);
    if (!count)
        return 0;
    memcpy(into, reserve->bytes, count);
    reserve->count -= count;
    memmove(reserve->bytes, reserve->bytes + count, reserve->count);
    return count;
}

void reserve_put(struct reserve *reserve, const void *bytes, size_t count)
{
    if (!count)
        return;
    memcpy(reserve->bytes + reserve->count, bytes, count);
    reserve->count += count;
}

bool reserve_put_from_pipe(struct reserve *reserve, int pipe, size_t count)
{
    if (!count)
        return true;
    ssize_t got = read(pipe, reserve->bytes + reserve->count, count);
    reserve->count += got > 0 ? (size_t)got : 0;
    return got == (ssize_t)count;
}

void reserve_sent(struct transfer *transfer)
{
    if (transfer->reserve.interval)
        transfer->reserve.sent_ms = clock_ms();
}

/* --- feeding ----------------------------------------------------------------------------- */

/* The client is silent, and Glance has taken all that it was sent. */
static bool is_silent(const struct transfer *transfer, int queued)
{
    return transfer->reserve.count > 0 && transfer->send_paused && !transfer->head_told &&
           queued == 0;
}

static void feed(struct transfer *transfer)
{
    if (transfer->raw_request.used) {
        raw_request_feed(transfer);
        return;
    }
    transfer->reserve.fed = true;
    transfer_write_on(transfer);
}

uint64_t reserve_tick(struct transfer *transfer, int queued)
{
    const struct reserve *reserve = &transfer->reserve;
    if (!reserve->interval)
        return UINT64_MAX;
    if (!is_silent(transfer, queued))
        return reserve->interval;
    uint64_t silent = clock_ms() - reserve->sent_ms;
    if (silent < reserve->interval)
        return reserve->interval - silent;
    feed(transfer);
    return reserve->interval;
}

void reserve_end(struct reserve *reserve)
{
    free(reserve->bytes);
    *reserve = (struct reserve){0};
}
