/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server is: "http://host:port" or "https://host", and nothing behind it. */
#ifndef INTAKE_ENDPOINT_H
#define INTAKE_ENDPOINT_H

#include <stddef.h>

/* NULL, or what is wrong; `*length` is then how much of it counts: trailing slashes do not. */
const char *endpoint_fault(const char *text, size_t *length);

#endif
