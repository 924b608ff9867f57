/* SPDX-License-Identifier: Apache-2.0 */
/* A server in a thread of its own that gives one answer after the other, each on a connection of
 * its own, and keeps the requests. It reads a body by its Content-Length. Include after <cmocka.h>
 * and support/one_answer.h. */
#ifndef SUPPORT_ANSWERS_IN_TURN_H
#define SUPPORT_ANSWERS_IN_TURN_H

#include <stdlib.h>

enum { ANSWERS_MAX = 8 };

struct answers_in_turn {
    struct one_answer
        turns[ANSWERS_MAX]; /* of the first only `socket` and `url` are the server's */
    size_t count;
    pthread_t thread;
    int socket;
    char url[64];
};

static inline void answers_begin(struct answers_in_turn *server)
{
    struct one_answer first;
    *server = (struct answers_in_turn){0};
    one_answer_begin(&first);
    server->socket = first.socket;
    memcpy(server->url, first.url, sizeof first.url);
}

static inline bool answers_has_whole(const struct one_answer *turn)
{
    const char *end = strstr(turn->seen, "\r\n\r\n");
    const char *length = strcasestr(turn->seen, "\r\nContent-Length:");
    size_t body = length && length < end ? strtoul(strchr(length + 2, ':') + 1, NULL, 10) : 0;
    return end && strlen(end + 4) >= body;
}

static inline void *answers_serve(void *context)
{
    struct answers_in_turn *server = context;
    for (size_t i = 0; i < server->count; i++) {
        struct one_answer *turn = &server->turns[i];
        int fd = accept(server->socket, NULL, NULL);
        if (fd < 0)
            break;
        while (!answers_has_whole(turn) && one_answer_reads(turn, fd))
            continue;
        if (send(fd, turn->answer, turn->count, MSG_NOSIGNAL) < 0)
            break;
        close(fd);
    }
    return NULL;
}

static inline void answers_add(struct answers_in_turn *server, const char *answer)
{
    assert_true(server->count < ANSWERS_MAX);
    server->turns[server->count].answer = answer;
    server->turns[server->count++].count = strlen(answer);
}

static inline void answers_start(struct answers_in_turn *server)
{
    assert_int_equal(listen(server->socket, ANSWERS_MAX), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, answers_serve, server), 0);
}

/* A test that has failed leaves answers that nobody asks for. */
static inline void answers_end(struct answers_in_turn *server)
{
    shutdown(server->socket, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->socket);
}

#endif
