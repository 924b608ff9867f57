/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the endpoint of a request, and repeats the request at another endpoint or on another
 * connection if that is safe. */
#include "upstream/upstream_priv.h"

#include "intake/clock.h"
#include "intake/settings.h"
#include "upstream/glance_server.h"

#include <string.h>

/* If libcurl does not close the connection in this call, it keeps it: the connection is idle. */
void attempt_leave(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->glance->multi, transfer->easy);
    socket_release(transfer);
}

static const char *url_of(const struct transfer *transfer)
{
    return transfer->settings->glance.endpoints[transfer->attempt.endpoint];
}

void attempt_answered(struct transfer *transfer)
{
    if (transfer->attempt.endpoint != ENDPOINT_NONE)
        endpoints_answered(transfer->glance->endpoints, url_of(transfer));
}

void attempt_begin_flow(struct transfer *transfer)
{
    if (!transfer->attempt.flowing && transfer->attempt.endpoint != ENDPOINT_NONE)
        transfer->attempt.flowing =
            endpoints_flow_begins(transfer->glance->endpoints, url_of(transfer));
}

void attempt_end_flow(struct transfer *transfer)
{
    if (transfer->attempt.flowing)
        endpoints_flow_ends(transfer->glance->endpoints, url_of(transfer));
    transfer->attempt.flowing = false;
}

static int choose(struct transfer *transfer, int preferred)
{
    return endpoints_choose(transfer->glance->endpoints, transfer->settings->glance.endpoints,
                            transfer->settings->glance.endpoint_count, transfer->attempt.tried,
                            transfer->attempt.turn, preferred);
}

/* Requests of one upload go to one endpoint. Another endpoint may use another replica of the
 * database, and so not see yet what the upload has done. */
int attempt_first(struct transfer *transfer, const struct upstream_request *request)
{
    if (request->url)
        return ENDPOINT_NONE;
    transfer->attempt.stays = request->stay && request->together && *request->together;
    if (transfer->attempt.stays)
        return (int)*request->together - 1;
    transfer->attempt.turn = request->together ? TURN_UPLOAD : TURN_REQUEST;
    int chosen = choose(transfer, request->together ? (int)*request->together - 1 : -1);
    if (request->together)
        *request->together = (unsigned)(chosen + 1);
    return chosen;
}

/* Whether nothing of the request was sent: libcurl had no connection yet. */
bool attempt_never_connected(const struct transfer *transfer)
{
    curl_off_t reached = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    return reached == 0 && !transfer->pulled && !transfer->status;
}

bool attempt_begin(struct transfer *transfer, int endpoint)
{
    transfer->attempt.endpoint = endpoint;
    transfer->progress = clock_ms();
    if (endpoint != ENDPOINT_NONE) {
        transfer->attempt.tried |= 1U << endpoint;
        transfer->no_memory = !glance_server_set_address(transfer->easy, url_of(transfer), "");
        if (transfer->owner->move) /* only transfers of image data have it */
            attempt_begin_flow(transfer);
    }
    transfer->no_memory = transfer->no_memory || curl_multi_add_handle(transfer->glance->multi,
                                                                       transfer->easy) != CURLM_OK;
    return !transfer->no_memory;
}

/* Only if repeating the request is safe: nothing was sent, or it is a GET or HEAD without an
 * answer. */
static bool may_try_next_endpoint(const struct transfer *transfer)
{
    return transfer->attempt.endpoint != ENDPOINT_NONE &&
           (attempt_never_connected(transfer) ||
            (transfer->attempt.repeatable && !transfer->status));
}

bool attempt_next(struct transfer *transfer)
{
    if (!may_try_next_endpoint(transfer))
        return false;
    if (attempt_never_connected(transfer))
        endpoints_refused(transfer->glance->endpoints, url_of(transfer));
    int next = transfer->attempt.stays ? -1 : choose(transfer, -1);
    if (next < 0)
        return false;
    attempt_end_flow(transfer);
    attempt_leave(transfer);
    transfer->connection.reused = false;
    return attempt_begin(transfer, next);
}

/* A reused connection had a wrong answer, or broke before it brought an answer. */
bool attempt_needs_new_connection(const struct transfer *transfer, CURLcode code)
{
    return transfer->connection.stale ||
           (code != CURLE_OK && transfer->connection.reused && !transfer->head_told);
}

bool attempt_on_new_connection(struct transfer *transfer)
{
    attempt_leave(transfer);
    transfer->connection.stale = transfer->connection.reused = false;
    transfer->status = 0;
    transfer->detail[0] = '\0';
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    return attempt_begin(transfer, transfer->attempt.endpoint);
}
