/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and addresses, IPv4 and IPv6 in one form. */
#include "intake/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NETWORKS_MAX = 4096, MAPPED_BITS = 96 };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const unsigned char address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* Reads an address to its IPv6 form. `*mapped_bits` is the number of bits before an IPv4 address in
 * that form, 0 for IPv6. */
static bool read_address(const char *text, unsigned char address[16], unsigned *mapped_bits)
{
    *mapped_bits = 0;
    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    if (inet_pton(AF_INET, text, address + sizeof mapped) != 1)
        return false;
    memcpy(address, mapped, sizeof mapped);
    *mapped_bits = MAPPED_BITS;
    return true;
}

/* Reads one to three digits with a value of at most `max`. */
static bool read_prefix(const char *text, unsigned max, unsigned *prefix)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits])
        return false;
    *prefix = (unsigned)strtoul(text, NULL, 10);
    return *prefix <= max;
}

static bool parse(const char *text, struct network *network)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");
    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';

    unsigned mapped_bits;
    if (!read_address(address, network->address, &mapped_bits))
        return false;
    network->prefix = 128;
    if (!text[length])
        return true;
    if (!read_prefix(text + length + 1, 128 - mapped_bits, &network->prefix))
        return false;
    network->prefix += mapped_bits;
    return true;
}

bool networks_add(struct networks *networks, const char *text)
{
    struct network network;
    if (networks->count == NETWORKS_MAX || !parse(text, &network))
        return false;
    struct network *rows = reallocarray(networks->rows, networks->count + 1, sizeof *rows);
    if (!rows)
        return false;
    rows[networks->count++] = network;
    networks->rows = rows;
    return true;
}

static bool in_network(const struct network *network, const unsigned char address[16])
{
    /* ::/0 is all of IPv6. It must not match IPv4 clients, although they are stored as IPv6. */
    if (network->prefix < MAPPED_BITS && is_mapped(address))
        return false;
    unsigned bytes = network->prefix / 8;
    unsigned bits = network->prefix % 8;
    if (memcmp(network->address, address, bytes) != 0)
        return false;
    return bits == 0 || (network->address[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

bool networks_have(const struct networks *networks, const char *address)
{
    unsigned char bytes[16];
    unsigned mapped_bits;
    if (!read_address(address, bytes, &mapped_bits))
        return false;
    for (size_t i = 0; i < networks->count; i++)
        if (in_network(&networks->rows[i], bytes))
            return true;
    return false;
}

bool networks_have_peer(const struct networks *networks, const char *address)
{
    return *address ? networks_have(networks, address) : networks->unix_sockets;
}

static void print_address(const unsigned char address[16], bool as_mapped, char *out)
{
    if (as_mapped)
        inet_ntop(AF_INET, address + sizeof mapped, out, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, address, out, ADDRESS_TEXT_MAX);
}

void network_text(const struct network *network, char out[ADDRESS_TEXT_MAX])
{
    bool as_mapped = network->prefix >= MAPPED_BITS && is_mapped(network->address);
    print_address(network->address, as_mapped, out);
    size_t length = strlen(out);
    snprintf(out + length, ADDRESS_TEXT_MAX - length, "/%u",
             network->prefix - (as_mapped ? MAPPED_BITS : 0));
}

void address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX])
{
    out[0] = '\0';
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, out, ADDRESS_TEXT_MAX);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        const unsigned char *bytes = in6->sin6_addr.s6_addr;
        print_address(bytes, is_mapped(bytes), out);
    }
}

bool address_valid(const char *text)
{
    unsigned char bytes[16];
    unsigned mapped_bits;
    return read_address(text, bytes, &mapped_bits);
}

bool address_normal(const char *text, char out[ADDRESS_TEXT_MAX])
{
    unsigned char bytes[16];
    unsigned mapped_bits;
    if (!read_address(text, bytes, &mapped_bits))
        return false;
    print_address(bytes, is_mapped(bytes), out);
    return true;
}

void networks_free(struct networks *networks)
{
    free(networks->rows);
    *networks = (struct networks){0};
}
