/* SPDX-License-Identifier: Apache-2.0 */
/* Time, in one place, so that a test can own it. */
#ifndef INTAKE_CLOCK_H
#define INTAKE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed moment; never goes back. */
uint64_t clock_ms(void);

/* Milliseconds since 1970-01-01 UTC. */
uint64_t clock_wall_ms(void);

#endif
