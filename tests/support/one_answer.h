/* SPDX-License-Identifier: Apache-2.0 */
/* A server of one answer, in a thread of its own: accepts one connection, reads the head of a
 * request, sends a given answer, and closes the connection or waits for the client to. Include
 * after <cmocka.h>. */
#ifndef SUPPORT_ONE_ANSWER_H
#define SUPPORT_ONE_ANSWER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct one_answer {
    int socket;
    char url[64];
    const char *answer;
    size_t count;
    bool ends;       /* when it has said it */
    char seen[4096]; /* the request, and whatever else came */
    pthread_t thread;
};

/* Nobody else can take the port, and nobody listens yet. */
static inline void one_answer_begin(struct one_answer *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *server = (struct one_answer){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &length), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

/* Once more bytes have come; false: there are no more. */
static inline bool one_answer_reads(struct one_answer *server, int fd)
{
    size_t length = strlen(server->seen);
    ssize_t got = recv(fd, server->seen + length, sizeof server->seen - 1 - length, 0);
    return got > 0;
}

static inline void *one_answer_serve(void *context)
{
    struct one_answer *server = context;
    size_t sent = 0;
    ssize_t count = 0;
    int fd = accept(server->socket, NULL, NULL);
    while (!strstr(server->seen, "\r\n\r\n") && one_answer_reads(server, fd))
        continue;
    while (count >= 0 && (sent += (size_t)count) < server->count)
        count = send(fd, server->answer + sent, server->count - sent, MSG_NOSIGNAL);
    while (!server->ends && one_answer_reads(server, fd))
        continue;
    close(fd);
    return NULL;
}

static inline void one_answer_start(struct one_answer *server, const char *answer, size_t count)
{
    server->answer = answer;
    server->count = count;
    assert_int_equal(listen(server->socket, 1), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, one_answer_serve, server), 0);
}

/* Once the connection has ended; of one that was started. */
static inline void one_answer_join(struct one_answer *server)
{
    assert_int_equal(pthread_join(server->thread, NULL), 0);
}

static inline void one_answer_end(struct one_answer *server)
{
    close(server->socket);
}

#endif
