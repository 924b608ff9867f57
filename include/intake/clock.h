/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the clocks. All code reads the time here, so that a test can replace it. */
#ifndef INTAKE_CLOCK_H
#define INTAKE_CLOCK_H

#include <stdint.h>

/* Milliseconds since an arbitrary fixed time. Monotonic. */
uint64_t clock_ms(void);

/* Milliseconds since 1970-01-01 UTC. */
uint64_t clock_wall_ms(void);

#endif
