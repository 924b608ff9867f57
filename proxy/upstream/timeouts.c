/* SPDX-License-Identifier: Apache-2.0 */
/* Timeouts of Glance. Each tick looks at the progress of the sockets: a byte that Glance has taken
 * or sent is progress. Time that the client takes does not count. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { TICK_MS = 1000 };

static bool has_moved(struct transfer *transfer, int queued)
{
    curl_off_t up = 0, down = 0;
    if (transfer->easy) {
        curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
        curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    }
    up += (curl_off_t)transfer->raw_bytes;
    bool moved = up + down != transfer->moved || queued < transfer->queued;
    transfer->moved = up + down;
    transfer->queued = queued;
    return moved;
}

/* The timeout for the current phase. 0: none, since the client delays the transfer, or since
 * libcurl watches the time itself (connecting). */
static uint64_t timeout(const struct transfer *transfer, int queued)
{
    const struct settings *settings = transfer->settings;
    bool for_client = transfer->read_paused || (transfer->send_paused && queued == 0) ||
                      (!transfer->easy && !transfer->raw_response.reader_waiting);
    bool connecting = transfer->connection.fd == CURL_SOCKET_BAD && !transfer->head_told;
    if (for_client || connecting)
        return 0;
    if (transfer->timeout)
        return transfer->timeout;
    bool moving = transfer->head_told || !transfer->all_pulled || queued > 0;
    return moving ? settings->glance.stall_timeout : settings->glance.response_timeout;
}

static bool set_tick(struct transfer *transfer, uint64_t limit, uint64_t latest)
{
    uint64_t half = transfer->settings->glance.stall_timeout / 2;
    uint64_t next = half < TICK_MS ? half + 1 : TICK_MS;
    if (latest < next)
        next = latest;
    if (limit && limit / 2 < next)
        next = limit / 2 + 1;
    return timer_set(transfer->glance->loop, &transfer->timer, next);
}

bool timeouts_begin(struct transfer *transfer)
{
    return set_tick(transfer, transfer->timeout, UINT64_MAX);
}

void transfer_tick(struct timer *timer)
{
    struct transfer *transfer = TAGGED_CONTAINER_OF(timer, struct transfer, timer, OBJECT_TRANSFER);
    int queued = 0;
    raw_reply_tick(transfer);
    if (transfer->head_told)
        attempt_begin_flow(transfer); /* an answer that lasts a tick counts as image data */
    if (transfer->connection.fd != CURL_SOCKET_BAD)
        ioctl(transfer->connection.fd, SIOCOUTQ, &queued);
    uint64_t limit = timeout(transfer, queued);
    uint64_t now = clock_ms();
    if (has_moved(transfer, queued) || limit == 0)
        transfer->progress = now;
    if (limit && now - transfer->progress >= limit) {
        snprintf(transfer->detail, sizeof transfer->detail, "nothing for %llu ms",
                 (unsigned long long)limit);
        transfer_finish(transfer, TRANSFER_STALLED);
        return;
    }
    if (!set_tick(transfer, limit, reserve_tick(transfer, queued)))
        transfer_finish_for_memory(transfer);
}
