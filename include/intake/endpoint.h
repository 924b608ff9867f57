/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of servers: "http://host:port" or "https://host", without a path; "unix:/path". */
#ifndef INTAKE_ENDPOINT_H
#define INTAKE_ENDPOINT_H

#include <stddef.h>

/* For "http://host:port" and "https://host". NULL: valid; `*length` is its length without trailing
 * slashes. Otherwise what is wrong, as a clause; `*length` may be unset then. */
const char *endpoint_fault(const char *text, size_t *length);

/* NULL: the URL of a service is valid: as an endpoint, possibly with a path, such as
 * "https://host/identity/v3". Otherwise what is wrong, as a clause. */
const char *service_url_fault(const char *text);

/* The path of "unix:/path", borrowed from `address`. NULL: the address has another form. */
const char *unix_path(const char *address);

/* NULL: the path of a unix socket is valid. Otherwise what is wrong, as a clause: it must be
 * absolute and fit in an address (unix(7)), and a quote, a backslash or a control character in it
 * would need escapes in metrics and logs. */
const char *unix_path_fault(const char *path);

#endif
