/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of trusted proxies that have to begin with a header of the PROXY protocol. The header
 * is read before libmicrohttpd gets the connection, and so before TLS. Exactly its bytes are read.
 * libmicrohttpd then takes the address in it for that of the peer. */
#include "listener/listener_priv.h"
#include "listener/proxy_header.h"

#include "intake/clock.h"
#include "intake/log.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_AGAIN_MS = 60000 };

struct proxied {
    struct listener *listener;
    struct watch watch;
    struct timer timer;
    struct sockaddr_storage peer;
    socklen_t peer_size;
    size_t length;
    unsigned char bytes[PROXY_HEADER_MAX];
    struct list place;
};

static const struct settings *settings_of(const struct listener *listener)
{
    return listener->parts.snapshot(listener->parts.context)->settings;
}

bool proxy_protocol_expected(const struct listener *listener, const struct sockaddr *peer)
{
    const struct settings *settings = settings_of(listener);
    char address[ADDRESS_TEXT_MAX];
    if (!settings->listen.proxy_protocol)
        return false;
    address_text(peer, address);
    return networks_have_peer(&settings->listen.trusted_proxies, address);
}

/* Returns the descriptor, which the caller owns. */
static int leave(struct proxied *proxied)
{
    struct listener *listener = proxied->listener;
    int fd = proxied->watch.fd;
    watch_set(listener->parts.loop, &proxied->watch, 0);
    timer_cancel(listener->parts.loop, &proxied->timer);
    list_remove(&proxied->place);
    atomic_fetch_sub(listener->parts.connections, 1);
    free(proxied);
    return fd;
}

static void drop(struct proxied *proxied, const char *why)
{
    struct listener *listener = proxied->listener;
    char address[ADDRESS_TEXT_MAX];
    address_text((const struct sockaddr *)&proxied->peer, address);
    close(leave(proxied));
    if (listener->proxied_logged && clock_ms() - listener->proxied_logged < LOG_AGAIN_MS)
        return;
    listener->proxied_logged = clock_ms();
    log_say(LOG_LEVEL_WARNING,
            "a connection of the trusted proxy %s was closed: %s (proxy_protocol = true)",
            *address ? address : "unix:", why);
}

static void hand_over(struct proxied *proxied)
{
    struct listener *listener = proxied->listener;
    struct sockaddr_storage client = proxied->peer;
    socklen_t size = proxied->peer_size;
    if (proxy_header_read(proxied->bytes, proxied->length, &client, &size) ==
        PROXY_HEADER_MALFORMED) {
        drop(proxied, "it began with a malformed PROXY header");
        return;
    }
    int fd = leave(proxied);
    listener_take_connection(listener, fd, (const struct sockaddr *)&client, size);
}

/* Reads what is there of the header. True: its end has not come yet. */
static bool read_on(struct proxied *proxied)
{
    for (;;) {
        ssize_t wanted = proxy_header_wants(proxied->bytes, proxied->length);
        if (wanted == 0) {
            hand_over(proxied);
            return false;
        }
        if (wanted < 0) {
            drop(proxied, "it did not begin with a PROXY header");
            return false;
        }
        ssize_t got =
            recv(proxied->watch.fd, proxied->bytes + proxied->length, (size_t)wanted, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (got <= 0) { /* such as the check of a balancer whether the port is open */
            close(leave(proxied));
            return false;
        }
        proxied->length += (size_t)got;
    }
}

static void readable(struct watch *watch, unsigned events)
{
    (void)events;
    read_on(CONTAINER_OF(watch, struct proxied, watch));
}

static void timed_out(struct timer *timer)
{
    drop(CONTAINER_OF(timer, struct proxied, timer),
         "its PROXY header was not complete within header_timeout");
}

static struct proxied *proxied_new(struct listener *listener, int fd, const struct sockaddr *peer,
                                   socklen_t size)
{
    struct proxied *proxied = calloc(1, sizeof *proxied);
    if (!proxied)
        return NULL;
    proxied->listener = listener;
    proxied->watch.fd = fd;
    proxied->watch.ready = readable;
    proxied->timer.fire = timed_out;
    memcpy(&proxied->peer, peer, size);
    proxied->peer_size = size;
    list_insert(&listener->proxied, &proxied->place);
    atomic_fetch_add(listener->parts.connections, 1);
    return proxied;
}

void proxy_protocol_begin(struct listener *listener, int fd, const struct sockaddr *peer,
                          socklen_t size)
{
    struct loop *loop = listener->parts.loop;
    struct proxied *proxied = proxied_new(listener, fd, peer, size);
    if (!proxied)
        close(fd);
    else if (read_on(proxied) &&
             (!watch_set(loop, &proxied->watch, LOOP_READ) ||
              !timer_set(loop, &proxied->timer, settings_of(listener)->listen.header_timeout)))
        close(leave(proxied)); /* without a watch and a timer it could wait for ever */
}

void proxy_protocol_end(struct listener *listener)
{
    struct proxied *each;
    while ((each = LIST_TAKE_FIRST(&listener->proxied, struct proxied, place)))
        close(leave(each));
}
