/* SPDX-License-Identifier: Apache-2.0 */
/* A small request: the image of 2 KiB of JSON, and its answer read to the end. */
#ifndef BENCH_SMALL_H
#define BENCH_SMALL_H

#include "wire.h"

void small_request(struct wire *wire, const struct target *target);

#endif
