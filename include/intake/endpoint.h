/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the address of a server: "http://host:port" or "https://host", without a path. */
#ifndef INTAKE_ENDPOINT_H
#define INTAKE_ENDPOINT_H

#include <stddef.h>

/* NULL: valid; `*length` is its length without trailing slashes. Otherwise what is wrong, as a
 * clause; `*length` may be unset then. */
const char *endpoint_fault(const char *text, size_t *length);

#endif
