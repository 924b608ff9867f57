/* SPDX-License-Identifier: Apache-2.0 */
/* The header of the PROXY protocol: as much is read as it says, never more than the maximum, and
 * only a whole header has an address. */
#include "input.h"

#include "listener/proxy_header.h"

#include <string.h>

/* The length of the header at the start of the data. 0: there is no whole one. */
static size_t header_length(const uint8_t *data, size_t size)
{
    size_t length = 0;
    ssize_t wanted;
    while ((wanted = proxy_header_wants(data, length)) > 0) {
        property(length + (size_t)wanted <= PROXY_HEADER_MAX);
        if ((size_t)wanted > size - length)
            return 0;
        length += (size_t)wanted;
    }
    return wanted == 0 ? length : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_storage client = {0};
    socklen_t bytes = 0;
    size_t length = header_length(data, size);
    enum proxy_header_source source = proxy_header_read(data, length, &client, &bytes);
    property(length > 0 || source == PROXY_HEADER_MALFORMED);
    property((source == PROXY_HEADER_ADDRESS) == (bytes > 0));
    if (source == PROXY_HEADER_ADDRESS)
        property(client.ss_family == AF_INET || client.ss_family == AF_INET6);
    return 0;
}
