/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses and lists of networks in CIDR form, IPv4 and IPv6. An IPv4-mapped IPv6 address
 * (::ffff:a.b.c.d) counts as IPv4. */
#ifndef INTAKE_NETWORKS_H
#define INTAKE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

struct network {
    unsigned char address[16]; /* IPv6 form; IPv4 as ::ffff:a.b.c.d */
    unsigned prefix;           /* bits of the IPv6 form, 0..128 */
};

/* Zero-initialised is empty. Owns its rows. */
struct networks {
    struct network *rows;
    size_t count;
    bool unix_sockets; /* peers on unix sockets are in it, too; they have no address */
};

enum { ADDRESS_TEXT_MAX = 64 };

/* Adds "10.0.0.0/8", "::1" or "192.0.2.7" (a single host). False: `text` is not a network, there
 * are too many, or no memory; nothing was added. */
bool networks_add(struct networks *networks, const char *text);

/* Writes "10.0.0.0/8" or "::1/128". */
void network_text(const struct network *network, char out[ADDRESS_TEXT_MAX]);

/* Whether `address` ("192.0.2.7", "2001:db8::1", without a port) is in one of the networks. */
bool networks_have(const struct networks *networks, const char *address);

/* Whether a peer of a connection is in one of the networks. A peer on a unix socket has the address
 * "". */
bool networks_have_peer(const struct networks *networks, const char *address);

/* Writes the numeric address without its port; IPv4-mapped ones as IPv4. `out` is "" for other
 * address families. */
void address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX]);

bool address_valid(const char *text);

/* Writes the address as address_text() does. False: `text` is no address; `out` is unchanged. */
bool address_normal(const char *text, char out[ADDRESS_TEXT_MAX]);

void networks_free(struct networks *networks);

#endif
