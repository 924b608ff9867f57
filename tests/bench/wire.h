/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the load generator, plain or TLS. It waits, and whatever fails ends the program
 * with a line that says what: a run in which anything failed has no result. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target {
    uint16_t port;    /* of 127.0.0.1 */
    SSL_CTX *context; /* NULL: plain */
};

struct wire {
    int socket;
    SSL *tls; /* NULL: plain */
};

/* Any certificate will do; the cipher is the same for every server. */
void target_speak_tls(struct target *target);
void target_clear(struct target *target);

void wire_open(struct wire *wire, const struct target *target);
void wire_close(struct wire *wire);

/* Whether the other end has neither closed nor said anything; with TLS, which has things to say of
 * its own, only that it has not closed. */
bool wire_is_quiet(const struct wire *wire);

/* False: the other end takes no more; it may have said why. */
bool wire_send(struct wire *wire, const void *bytes, size_t count);

/* As much as there is, at least one byte. 0: the end. */
size_t wire_receive(struct wire *wire, void *bytes, size_t room);

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
