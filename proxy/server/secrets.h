/* SPDX-License-Identifier: Apache-2.0 */
/* Prepares the libraries, and the process for passwords in its memory. */
#ifndef SERVER_SECRETS_H
#define SERVER_SECRETS_H

#include <stdbool.h>

/* Prepares libcurl. With `logins` ([keystone] is set) passwords pass through this process. Then
 * libcurl, jansson and GnuTLS overwrite what they free, and the kernel writes no core of the
 * process, whatever the limits and the handler of cores are (core(5)). Call it before other threads
 * start. False: libcurl cannot be used, or the kernel refuses. */
bool secrets_prepare(bool logins);

#endif
