/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP side: libmicrohttpd with a thread per connection. */
#ifndef SMALL_GLANCE_SERVER_H
#define SMALL_GLANCE_SERVER_H

#include <netinet/in.h>

struct MHD_Daemon;
struct glance;

/* NULL: it could not listen there. */
struct MHD_Daemon *server_start(struct glance *glance, const struct sockaddr_in *address);

#endif
