/* SPDX-License-Identifier: Apache-2.0 */
/* How much JSON a worker buffers, and for which clients.
 *
 * A client that Glance has not vouched for may hold a little. That is enough for every usual
 * request, and all such clients together have a limit of their own. If a client needs more, the
 * proxy asks Glance about it first (buffer_body.c). Then it counts by its address, so that one host
 * cannot take all the space. */
#include "exchange/ingest/ingest_steps.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB };

enum {
    NEWCOMER_MAX = 16 * KIB, /* one client that Glance has not vouched for */
    NEWCOMERS_MAX = 4 * MIB, /* all of them */
    ADDRESS_MAX = 4 * MIB,   /* one address of clients that Glance knows */
    KNOWN_MAX = 16 * MIB     /* all of them */
};

/* One address that holds something; there are at most KNOWN_MAX / NEWCOMER_MAX of them. */
struct holder {
    char address[INET6_ADDRSTRLEN];
    size_t bytes;
    size_t shares;
    struct holder *next;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A host with IPv6 usually has a whole network of 64 bits to choose its address from. */
static void name_of(const char *address, char name[INET6_ADDRSTRLEN])
{
    struct in6_addr bytes;
    snprintf(name, INET6_ADDRSTRLEN, "%s", address);
    if (inet_pton(AF_INET6, address, &bytes) != 1)
        return;
    memset(bytes.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &bytes, name, INET6_ADDRSTRLEN);
}

static struct holder *find(struct holders *holders, const char *name)
{
    struct holder *holder = holders->first;
    while (holder && strcmp(holder->address, name) != 0)
        holder = holder->next;
    return holder;
}

static struct holder *find_or_add(struct holders *holders, const char *address)
{
    char name[INET6_ADDRSTRLEN];
    name_of(address, name);
    struct holder *holder = find(holders, name);
    if (holder)
        return holder;
    holder = calloc(1, sizeof *holder);
    if (!holder)
        return NULL;
    snprintf(holder->address, sizeof holder->address, "%s", name);
    holder->next = holders->first;
    return holders->first = holder;
}

static void leave(struct holders *holders, struct holder *holder)
{
    if (--holder->shares > 0)
        return;
    struct holder **at = &holders->first;
    while (*at && *at != holder)
        at = &(*at)->next;
    if (*at)
        *at = holder->next;
    free(holder);
}

size_t buffer_share_room(const struct holders *holders, const struct share *share)
{
    if (!share->holder)
        return smaller(NEWCOMER_MAX - share->bytes, NEWCOMERS_MAX - holders->newcomers);
    return smaller(ADDRESS_MAX - share->holder->bytes, KNOWN_MAX - holders->known);
}

void buffer_share_add(struct holders *holders, struct share *share, size_t bytes)
{
    share->bytes += bytes;
    *(share->holder ? &holders->known : &holders->newcomers) += bytes;
    if (share->holder)
        share->holder->bytes += bytes;
}

enum buffer_share_outcome buffer_share_vouch(struct holders *holders, struct share *share,
                                             const char *address)
{
    struct holder *holder = find_or_add(holders, address);
    if (!holder)
        return BUFFER_SHARE_NO_MEMORY;
    size_t bytes = share->bytes;
    holder->shares++;
    if (ADDRESS_MAX - holder->bytes < bytes || KNOWN_MAX - holders->known < bytes) {
        leave(holders, holder);
        return BUFFER_SHARE_FULL;
    }
    buffer_share_end(holders, share);
    share->holder = holder;
    buffer_share_add(holders, share, bytes);
    return BUFFER_SHARE_KNOWN;
}

void buffer_share_end(struct holders *holders, struct share *share)
{
    struct holder *holder = share->holder;
    *(holder ? &holders->known : &holders->newcomers) -= share->bytes;
    if (holder) {
        holder->bytes -= share->bytes;
        leave(holders, holder);
    }
    *share = (struct share){0};
}
