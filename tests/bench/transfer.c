/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include "answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The bytes around the file in the form of `curl -F file=@disk.img`. */
#define BOUNDARY "------------------------d74496d66958873e"
#define FORM_BEGIN                                                                                 \
    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"disk.img\"\r\n"   \
    "Content-Type: application/octet-stream\r\n\r\n"
#define FORM_END "\r\n--" BOUNDARY "--\r\n"

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void sleep_until(double when)
{
    struct timespec until = {.tv_sec = (time_t)when,
                             .tv_nsec = (long)(1e9 * (when - (double)(time_t)when))};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        ;
}

void transfer_begin(struct transfer *transfer, const struct load *load, unsigned number)
{
    *transfer = (struct transfer){
        .load = load, .stream = {number + 1, load->size}, .room = stream_room_new()};
    if (!transfer->room)
        fail("no memory");
    stream_name(&transfer->stream, load->serial, transfer->id);
    wire_open(&transfer->wire, &load->target);
}

void transfer_end(struct transfer *transfer)
{
    wire_close(&transfer->wire);
    stream_room_free(transfer->room);
}

/* The server reads no more: its answer, or the lack of one, is the reason. */
_Noreturn static void refused(struct transfer *transfer, uint64_t position)
{
    struct answer answer;
    fprintf(stderr, "bench-load: cut after %" PRIu64 " bytes\n", position);
    answer_read(&answer, &transfer->wire, 204);
    fail("answered before its end");
}

static void say(struct transfer *transfer, const char *text)
{
    if (!wire_send(&transfer->wire, text, strlen(text)))
        refused(transfer, 0);
}

static void send_head(struct transfer *transfer)
{
    bool form = transfer->load->form;
    uint64_t around = form ? sizeof FORM_BEGIN + sizeof FORM_END - 2 : 0;
    char head[512];
    snprintf(head, sizeof head,
             "PUT /v2/images/%s/file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Auth-Token: bench\r\n"
             "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n\r\n",
             transfer->id, transfer->load->target.port,
             form ? "multipart/form-data; boundary=" BOUNDARY : "application/octet-stream",
             transfer->stream.size + around);
    say(transfer, head);
    if (form)
        say(transfer, FORM_BEGIN);
}

/* With a rate: pieces of 64 KiB, as a fast network card delivers them. A transfer that was delayed
 * catches up by at most ten milliseconds. */
static void send_image(struct transfer *transfer, uint64_t size)
{
    enum { PACED = 64 * 1024 };
    static const double late_max = 0.01;
    uint64_t rate = transfer->load->rate;
    uint64_t most = rate ? PACED : STREAM_PIECE;
    double due = seconds_now();
    for (uint64_t at = 0; at < size;) {
        size_t count = size - at < most ? size - at : most;
        const unsigned char *bytes = stream_bytes(transfer->room, &transfer->stream, at, count);
        if (!wire_send(&transfer->wire, bytes, count))
            refused(transfer, at);
        at += count;
        if (!rate)
            continue;
        double now = seconds_now();
        due += (double)count / (double)rate;
        if (due < now - late_max)
            due = now - late_max;
        if (due > now)
            sleep_until(due);
    }
}

void transfer_send_part(struct transfer *transfer, uint64_t count)
{
    send_head(transfer);
    send_image(transfer, count);
}

/* Without X-Intake-Verified the upload is not the one to be measured. */
static void check_proof(const char *head, const char *verified)
{
    char field[64];
    snprintf(field, sizeof field, "\r\nX-Intake-Verified: %s\r\n", verified);
    if (!strcasestr(head, field))
        fail("not verified by %s:\n%s", verified, head);
}

void transfer_upload(struct transfer *transfer)
{
    struct answer answer;
    transfer_send_part(transfer, transfer->stream.size);
    if (transfer->load->form)
        say(transfer, FORM_END);
    answer_read(&answer, &transfer->wire, 204);
    if (transfer->load->verified)
        check_proof(answer.bytes, transfer->load->verified);
}

static void compare(struct transfer *transfer, uint64_t at, const void *bytes, size_t count)
{
    if (memcmp(bytes, stream_bytes(transfer->room, &transfer->stream, at, count), count) != 0)
        fail("other bytes than Glance's, after %" PRIu64, at);
}

static void receive_image(struct transfer *transfer, const struct answer *answer)
{
    unsigned char *piece = malloc(STREAM_PIECE);
    if (!piece)
        fail("no memory");
    compare(transfer, 0, answer->body, answer->body_there);
    for (uint64_t at = answer->body_there; at < answer->length;) {
        uint64_t left = answer->length - at;
        size_t got =
            wire_receive(&transfer->wire, piece, left < STREAM_PIECE ? left : STREAM_PIECE);
        if (got == 0)
            fail("the download ends after %" PRIu64 " bytes", at);
        compare(transfer, at, piece, got);
        at += got;
    }
    free(piece);
}

void transfer_download(struct transfer *transfer)
{
    struct answer answer;
    char head[512];
    snprintf(head, sizeof head,
             "GET /v2/images/%s/file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Auth-Token: bench\r\n\r\n",
             transfer->id, transfer->load->target.port);
    say(transfer, head);
    answer_read(&answer, &transfer->wire, 200);
    if (answer.length != transfer->stream.size)
        fail("%" PRIu64 " bytes are to come, not %" PRIu64, answer.length, transfer->stream.size);
    receive_image(transfer, &answer);
}
