/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and times as people write them: a whole number and a unit.
 *
 * Sizes take B, KiB, MiB, GiB and TiB, or no unit for bytes; times take ms, s, m and h, and
 * only 0 may go without. Units are spelled exactly so: GB or G would leave open which one is
 * meant. Blanks may stand between number and unit. */
#ifndef INTAKE_UNITS_H
#define INTAKE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/* What to tell somebody whose text was not taken, as in "10GB is not ..." */
#define UNITS_SIZE_FORM "a size: a whole number and B, KiB, MiB, GiB or TiB, such as 10GiB"
#define UNITS_TIME_FORM "a time: a whole number and ms, s, m or h, such as 90s"

/* False: not of that form, or 2^64 and more; the result is then untouched. */
bool units_parse_size(const char *text, uint64_t *bytes);
bool units_parse_time(const char *text, uint64_t *milliseconds);

/* In the largest unit that needs no fraction: "1TiB", "90s". */
void units_print_size(uint64_t bytes, char out[UNITS_TEXT_MAX]);
void units_print_time(uint64_t milliseconds, char out[UNITS_TEXT_MAX]);

#endif
