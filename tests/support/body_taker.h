/* SPDX-License-Identifier: Apache-2.0 */
/* A server that reads one request with a body, in a thread of its own: reads the head, compares the
 * body with the expected bytes, up to a given number and at a given pace, answers, and closes the
 * connection in a given way. Include after <cmocka.h>. */
#ifndef SUPPORT_BODY_TAKER_H
#define SUPPORT_BODY_TAKER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

/* The byte at `place` of every body. */
static inline char body_byte(uint64_t place)
{
    return (char)(place * 31 + place / 251);
}

/* The bytes of every body repeat after so many. */
enum { BODY_PERIOD = 251 * 256 };

static char body_period[BODY_PERIOD];

static inline void body_period_make(void)
{
    for (size_t i = 0; i < BODY_PERIOD; i++)
        body_period[i] = body_byte(i);
}

/* Where the bytes from `place` on stand. Reduces `count` to as many as stand there in one piece.
 * Any thread may be the first to ask. */
static inline const char *body_bytes(uint64_t place, size_t *count)
{
    static pthread_once_t made = PTHREAD_ONCE_INIT;
    size_t at = (size_t)(place % BODY_PERIOD);
    pthread_once(&made, body_period_make);
    *count = MIN(*count, BODY_PERIOD - at);
    return body_period + at;
}

static inline void body_fill(char *into, uint64_t place, size_t count)
{
    for (size_t done = 0, piece; done < count; done += piece) {
        piece = count - done;
        const char *bytes = body_bytes(place + done, &piece);
        memcpy(into + done, bytes, piece);
    }
}

static inline bool body_matches(const char *got, uint64_t place, size_t count)
{
    for (size_t done = 0, piece; done < count; done += piece) {
        piece = count - done;
        const char *bytes = body_bytes(place + done, &piece);
        if (memcmp(got + done, bytes, piece) != 0)
            return false;
    }
    return true;
}

enum taker_end {
    TAKER_CLOSES,
    TAKER_RESETS,
    TAKER_WAITS, /* for the other side to close */
    TAKER_HOLDS  /* takes nothing more, and closes when it is waited for */
};

struct body_taker {
    int socket; /* bound; it listens from body_taker_start() on */
    char url[64];

    const char *interim; /* its answer to the head alone; NULL: none */
    uint64_t takes;      /* bytes before it answers */
    unsigned pause_us;   /* before each read */
    const char *answer;  /* NULL: none */
    unsigned rest_us;    /* between the answer's last two bytes */
    enum taker_end end;

    char head[4096];
    uint64_t took;
    bool wrong; /* other bytes than those */
    bool ended; /* by the other side, while it took */
    atomic_bool joined;
    pthread_t thread;
};

static inline void body_taker_begin(struct body_taker *taker)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *taker = (struct body_taker){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(taker->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(taker->socket, (struct sockaddr *)&address, &length), 0);
    snprintf(taker->url, sizeof taker->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static inline bool taker_reads(struct body_taker *taker, int fd, size_t most)
{
    static _Thread_local char piece[64 * 1024];
    if (taker->pause_us)
        usleep(taker->pause_us);
    ssize_t got = recv(fd, piece, MIN(most, sizeof piece), 0);
    if (got > 0)
        taker->wrong |= !body_matches(piece, taker->took, (size_t)got);
    taker->took += got > 0 ? (uint64_t)got : 0;
    return got > 0;
}

/* Byte by byte, so that nothing of the body is taken with it. */
static inline bool taker_reads_head(struct body_taker *taker, int fd)
{
    size_t count = 0;
    while (count < sizeof taker->head - 1 && !strstr(taker->head, "\r\n\r\n"))
        if (recv(fd, taker->head + count++, 1, 0) <= 0)
            return false;
    return true;
}

static inline void taker_answers(const struct body_taker *taker, int fd)
{
    size_t count = strlen(taker->answer);
    size_t first = taker->rest_us ? count - 1 : count;
    send(fd, taker->answer, first, MSG_NOSIGNAL);
    if (first == count)
        return;
    usleep(taker->rest_us);
    send(fd, taker->answer + first, 1, MSG_NOSIGNAL);
}

static inline void taker_ends(struct body_taker *taker, int fd)
{
    const struct linger reset = {.l_onoff = 1};
    static _Thread_local char more[64 * 1024];
    if (taker->end == TAKER_RESETS)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    while (taker->end == TAKER_WAITS && recv(fd, more, sizeof more, 0) > 0)
        continue;
    while (taker->end == TAKER_HOLDS && !taker->joined)
        usleep(1000);
    close(fd);
}

static inline void *taker_serves(void *context)
{
    struct body_taker *taker = context;
    int fd = accept(taker->socket, NULL, NULL);
    taker->ended = !taker_reads_head(taker, fd);
    if (taker->interim)
        send(fd, taker->interim, strlen(taker->interim), MSG_NOSIGNAL);
    while (!taker->ended && taker->took < taker->takes)
        taker->ended = !taker_reads(taker, fd, taker->takes - taker->took);
    if (taker->answer && !taker->ended)
        taker_answers(taker, fd);
    taker_ends(taker, fd);
    return NULL;
}

static inline void body_taker_start(struct body_taker *taker)
{
    taker->joined = false;
    assert_int_equal(listen(taker->socket, 1), 0);
    assert_int_equal(pthread_create(&taker->thread, NULL, taker_serves, taker), 0);
}

/* Once the connection has ended; of one that was started. */
static inline void body_taker_join(struct body_taker *taker)
{
    taker->joined = true;
    assert_int_equal(pthread_join(taker->thread, NULL), 0);
}

static inline void body_taker_end(struct body_taker *taker)
{
    close(taker->socket);
}

#endif
