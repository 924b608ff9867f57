/* SPDX-License-Identifier: Apache-2.0 */
/* One request to Glance, from connecting to the last byte of the answer.
 *
 * libcurl owns the protocol; this file owns the waits. A tick looks at how far the sockets got:
 * a byte that Glance has taken, or given, is progress; a wait for our own client is not Glance's.
 */
#include "glance/glance_priv.h"

#include "intake/client.h"
#include "intake/clock.h"
#include "intake/settings.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { TICK_MS = 1000, ANSWER_BUFFER = 64 * 1024, ROUNDS = 8 };
static const uint64_t UPLOAD_BUFFER_MIN = 16 * 1024, UPLOAD_BUFFER_MAX = 512 * 1024;

struct transfer {
    struct glance *glance;
    const struct settings *settings;
    const struct transfer_owner *owner;
    void *context;

    CURL *easy;
    struct curl_slist *fields;
    char *target;
    enum framing framing;
    uint64_t length;
    unsigned tried; /* a bit per endpoint */
    int endpoint;
    curl_socket_t socket;

    struct headers answer; /* fields so far, of the head being received */
    unsigned status;
    bool head_told;

    uint64_t sent;
    bool pulled; /* the body was asked for: no other endpoint from here on */
    bool all_pulled;
    bool send_paused; /* pull said CLIENT_WAIT */
    bool read_paused; /* data said false */
    bool given_up;
    struct task unpause;
    struct task closed; /* Glance has closed its side, and libcurl has not said so */
    bool closed_looked; /* libcurl's messages were read since */

    struct timer timer;
    uint64_t progress; /* clock_ms() */
    curl_off_t moved;  /* bytes up and down at the last tick */
    int queued;        /* SIOCOUTQ at the last tick */
    char detail[CURL_ERROR_SIZE];
    struct transfer *next, *previous;
};

bool transfer_all_given(const struct transfer *transfer)
{
    return transfer->all_pulled;
}

void transfer_has_socket(struct transfer *transfer, curl_socket_t socket)
{
    transfer->socket = socket;
}

/* libcurl takes its socket out when there is nothing more to read from it. If it was asked to wait
 * with sending, it would then wait for ever: it does not tell that Glance has closed. A socket that
 * is not the latest lost a race between two addresses of an endpoint. */
void transfer_lost_socket(struct transfer *transfer, curl_socket_t socket)
{
    if (socket != transfer->socket)
        return;
    transfer->socket = CURL_SOCKET_BAD;
    if (transfer->send_paused && !transfer->head_told)
        task_post(transfer->glance->loop, &transfer->closed);
}

/* --- libcurl's callbacks ------------------------------------------------------------------- */

static void take_status(struct transfer *transfer, const char *line)
{
    headers_free(&transfer->answer);
    const char *space = strchr(line, ' ');
    transfer->status = space ? (unsigned)strtoul(space, NULL, 10) : 0;
}

static void trim(char *text)
{
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
}

static bool take_field(struct transfer *transfer, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return true; /* not a field: nothing that could be passed on */
    *colon = '\0';
    trim(line);
    char *value = colon + 1 + strspn(colon + 1, " \t");
    trim(value);
    return headers_add(&transfer->answer, line, value);
}

static void head_complete(struct transfer *transfer)
{
    if (transfer->status < 200)
        return;
    transfer->head_told = true;
    transfer->progress = clock_ms();
    transfer->owner->head(transfer->context, transfer->status, &transfer->answer);
    /* libcurl does not end a transfer whose sending is paused: let it look again. */
    if (transfer->send_paused)
        task_post(transfer->glance->loop, &transfer->unpause);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t total = size * count;
    if (transfer->head_told)
        return total; /* trailers */
    char *line = strndup(bytes, total);
    if (!line)
        return 0;
    bool good = true;
    if (strncmp(line, "HTTP/", 5) == 0)
        take_status(transfer, line);
    else if (line[0] == '\r' || line[0] == '\n')
        head_complete(transfer);
    else
        good = take_field(transfer, line);
    free(line);
    return good ? total : 0;
}

static size_t on_data(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (transfer->owner->data(transfer->context, bytes, size * count))
        return size * count;
    transfer->read_paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

static size_t end_of_body(struct transfer *transfer)
{
    bool whole = transfer->framing == FRAMING_CHUNKED || transfer->sent == transfer->length;
    transfer->all_pulled = whole;
    transfer->given_up = !whole;
    return whole ? 0 : CURL_READFUNC_ABORT;
}

static size_t on_pull(char *into, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (transfer->all_pulled)
        return 0; /* libcurl may ask once more; the owner's client may be gone by now */
    transfer->pulled = true;
    ssize_t got = transfer->owner->pull(transfer->context, into, size * count);
    switch (got) {
    case CLIENT_WAIT:
        transfer->send_paused = true;
        return CURL_READFUNC_PAUSE;
    case CLIENT_LOST:
        transfer->given_up = true;
        return CURL_READFUNC_ABORT;
    case CLIENT_END:
        return end_of_body(transfer);
    default:
        transfer->sent += (uint64_t)got;
        transfer->all_pulled =
            transfer->framing == FRAMING_LENGTH && transfer->sent == transfer->length;
        return (size_t)got;
    }
}

/* --- going on after a pause ------------------------------------------------------------------ */

static void apply_pauses(struct transfer *transfer)
{
    int pauses =
        (transfer->send_paused ? CURLPAUSE_SEND : 0) | (transfer->read_paused ? CURLPAUSE_RECV : 0);
    curl_easy_pause(transfer->easy, pauses);
}

static void unpause(struct task *task)
{
    struct transfer *transfer =
        (struct transfer *)((char *)task - offsetof(struct transfer, unpause));
    transfer->read_paused = false;
    if (transfer->head_told)
        transfer->send_paused = false;
    apply_pauses(transfer);
    glance_drive(transfer->glance, CURL_SOCKET_TIMEOUT, 0);
}

void transfer_write_on(struct transfer *transfer)
{
    if (!transfer->send_paused)
        return;
    transfer->send_paused = false;
    apply_pauses(transfer);
    /* libcurl fills and sends once a call; go on while it gets rid of what it takes. */
    for (int round = 0; round < ROUNDS && !transfer->send_paused; round++) {
        uint64_t before = transfer->sent;
        if (transfer->socket == CURL_SOCKET_BAD)
            glance_drive(transfer->glance, CURL_SOCKET_TIMEOUT, 0);
        else
            glance_drive(transfer->glance, transfer->socket, CURL_CSELECT_IN | CURL_CSELECT_OUT);
        if (transfer->sent == before)
            return;
    }
}

void transfer_read_on(struct transfer *transfer)
{
    if (transfer->read_paused)
        task_post(transfer->glance->loop, &transfer->unpause);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void stop_waiting(struct transfer *transfer)
{
    timer_cancel(transfer->glance->loop, &transfer->timer);
    task_cancel(transfer->glance->loop, &transfer->unpause);
    task_cancel(transfer->glance->loop, &transfer->closed);
}

static void release(struct transfer *transfer)
{
    struct glance *glance = transfer->glance;
    stop_waiting(transfer);
    if (transfer->next)
        transfer->next->previous = transfer->previous;
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else if (glance->all == transfer)
        glance->all = transfer->next;
    glance_give_handle(glance, transfer->easy);
    curl_slist_free_all(transfer->fields);
    headers_free(&transfer->answer);
    free(transfer->target);
    free(transfer);
}

void transfer_abort(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_multi_remove_handle(transfer->glance->multi, transfer->easy);
    release(transfer);
}

static void finish(struct transfer *transfer, enum transfer_result result)
{
    curl_multi_remove_handle(transfer->glance->multi, transfer->easy);
    stop_waiting(transfer);
    transfer->owner->done(transfer->context, result, transfer->detail);
    release(transfer);
}

/* If libcurl has a message after all, it is read first, in the task behind this one. */
static void glance_closed(struct task *task)
{
    struct transfer *transfer =
        (struct transfer *)((char *)task - offsetof(struct transfer, closed));
    if (transfer->closed_looked) {
        strncpy(transfer->detail, "closed before it answered", sizeof transfer->detail - 1);
        finish(transfer, TRANSFER_FAILED);
        return;
    }
    transfer->closed_looked = true;
    task_post(transfer->glance->loop, task);
}

/* Nothing of the request was sent: libcurl did not get as far as that. */
static bool never_connected(const struct transfer *transfer)
{
    curl_off_t reached = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &reached);
    return reached == 0 && !transfer->pulled && !transfer->status;
}

static bool connect_to(struct transfer *transfer, int endpoint)
{
    transfer->endpoint = endpoint;
    transfer->tried |= 1U << endpoint;
    transfer->progress = clock_ms();
    curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->settings->glance.endpoints[endpoint]);
    return curl_multi_add_handle(transfer->glance->multi, transfer->easy) == CURLM_OK;
}

static bool try_next(struct transfer *transfer)
{
    endpoint_is_dead(transfer->glance, transfer->endpoint);
    int next =
        endpoint_next(transfer->glance, transfer->settings->glance.endpoint_count, transfer->tried);
    if (next < 0)
        return false;
    curl_multi_remove_handle(transfer->glance->multi, transfer->easy);
    return connect_to(transfer, next);
}

void transfer_ended(struct transfer *transfer, CURLcode code)
{
    if (!transfer->detail[0])
        strncpy(transfer->detail, curl_easy_strerror(code), sizeof transfer->detail - 1);
    if (code == CURLE_OK && transfer->head_told) {
        endpoint_is_alive(transfer->glance, transfer->endpoint);
        finish(transfer, TRANSFER_ANSWERED);
    } else if (transfer->given_up) {
        finish(transfer, TRANSFER_GIVEN_UP);
    } else if (!never_connected(transfer)) {
        finish(transfer, TRANSFER_FAILED);
    } else if (!try_next(transfer)) {
        finish(transfer, TRANSFER_UNREACHABLE);
    }
}

/* --- ticks --------------------------------------------------------------------------------------
 */

static bool has_moved(struct transfer *transfer, int queued)
{
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    bool moved = up + down != transfer->moved || queued < transfer->queued;
    transfer->moved = up + down;
    transfer->queued = queued;
    return moved;
}

/* How long Glance may do nothing, in the part of the exchange that we are in. 0: for ever, since
 * it is our side that holds things up, or libcurl that watches (connecting). */
static uint64_t patience(const struct transfer *transfer, int queued)
{
    const struct settings *settings = transfer->settings;
    bool for_client = transfer->read_paused || (transfer->send_paused && queued == 0);
    bool connecting = transfer->socket == CURL_SOCKET_BAD && !transfer->head_told;
    if (for_client || connecting)
        return 0;
    bool moving = transfer->head_told || !transfer->all_pulled || queued > 0;
    return moving ? settings->glance.stall_timeout : settings->glance.response_timeout;
}

static void tick(struct timer *timer)
{
    struct transfer *transfer =
        (struct transfer *)((char *)timer - offsetof(struct transfer, timer));
    int queued = 0;
    if (transfer->socket != CURL_SOCKET_BAD)
        ioctl(transfer->socket, SIOCOUTQ, &queued);
    uint64_t limit = patience(transfer, queued);
    uint64_t now = clock_ms();
    if (has_moved(transfer, queued) || limit == 0)
        transfer->progress = now;
    if (limit && now - transfer->progress >= limit) {
        snprintf(transfer->detail, sizeof transfer->detail, "nothing for %llu ms",
                 (unsigned long long)limit);
        finish(transfer, TRANSFER_STALLED);
        return;
    }
    uint64_t half = transfer->settings->glance.stall_timeout / 2;
    uint64_t next = half < TICK_MS ? half + 1 : TICK_MS;
    if (limit && limit / 2 < next)
        next = limit / 2 + 1;
    if (!timer_set(transfer->glance->loop, &transfer->timer, next))
        finish(transfer, TRANSFER_FAILED);
}

/* --- the start
 * ------------------------------------------------------------------------------------ */

static bool add_field(struct curl_slist **fields, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*fields, line);
    if (longer)
        *fields = longer;
    return longer != NULL;
}

/* libcurl's way to say a field with an empty value is "Name;", and "Name:" keeps it from adding
 * one of its own. */
static bool add_fields(struct transfer *transfer, const struct transfer_order *order)
{
    bool good = add_field(&transfer->fields, "Expect:");
    headers_each(row, order->headers) {
        char *line = NULL;
        int made = asprintf(&line, row->value[0] ? "%s: %s" : "%s;%s", row->name, row->value);
        good = good && made >= 0 && add_field(&transfer->fields, line);
        if (made >= 0)
            free(line);
    }
    if (!headers_get(order->headers, "Accept"))
        good = good && add_field(&transfer->fields, "Accept:");
    if (order->framing == FRAMING_LENGTH && order->length == 0)
        good = good && add_field(&transfer->fields, "Content-Length: 0");
    return good;
}

static void set_body(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    uint64_t buffer = transfer->framing == FRAMING_LENGTH ? transfer->length : 64UL * 1024;
    if (buffer < UPLOAD_BUFFER_MIN)
        buffer = UPLOAD_BUFFER_MIN;
    if (buffer > UPLOAD_BUFFER_MAX)
        buffer = UPLOAD_BUFFER_MAX;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)buffer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_pull);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                     transfer->framing == FRAMING_LENGTH ? (curl_off_t)transfer->length : -1);
}

/* A kept connection that Glance has just closed cannot take a body twice, and must not do twice
 * what is not idempotent: such a request gets a connection of its own. */
static bool wants_fresh_connection(const struct transfer *transfer, const char *method)
{
    return transfer->framing != FRAMING_NONE || strcmp(method, "POST") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static void set_options(struct transfer *transfer, const char *method)
{
    const struct settings *settings = transfer->settings;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Giving up a name look-up must not wait for it to end: the whole worker would. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, transfer->target);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->glance.connect_timeout);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)ANSWER_BUFFER);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)wants_fresh_connection(transfer, method));
    if (settings->glance.ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->glance.ca_file);
    if (settings->glance.insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!transfer->all_pulled)
        set_body(transfer);
    else if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

struct transfer *transfer_start(struct glance *glance, const struct settings *settings,
                                const struct transfer_order *order,
                                const struct transfer_owner *owner, void *context)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->glance = glance;
    transfer->settings = settings;
    transfer->owner = owner;
    transfer->context = context;
    transfer->framing = order->framing;
    transfer->length = order->length;
    transfer->all_pulled = order->framing != FRAMING_CHUNKED && order->length == 0;
    transfer->socket = CURL_SOCKET_BAD;
    transfer->timer.fire = tick;
    transfer->unpause.run = unpause;
    transfer->closed.run = glance_closed;
    transfer->easy = glance_take_handle(glance);
    transfer->target = strdup(order->target);
    bool good = transfer->easy && transfer->target && add_fields(transfer, order);
    if (good) {
        set_options(transfer, order->method);
        good = timer_set(glance->loop, &transfer->timer, 1) &&
               connect_to(transfer, endpoint_next(glance, settings->glance.endpoint_count, 0));
    }
    transfer->next = glance->all;
    if (transfer->next)
        transfer->next->previous = transfer;
    glance->all = transfer;
    if (!good) {
        release(transfer);
        return NULL;
    }
    return transfer;
}
