/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and prints sizes and times: a whole number and a unit.
 *
 * The units of sizes are B, KiB, MiB, GiB and TiB; without a unit the number counts bytes. The
 * units of times are ms, s, m and h; only 0 needs no unit. Other spellings are errors, because GB
 * or G would be ambiguous. Blanks between number and unit are allowed. */
#ifndef INTAKE_UNITS_H
#define INTAKE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/* The end of an error message such as "10GB is not ..." */
#define UNITS_SIZE_FORM "a size: a whole number and B, KiB, MiB, GiB or TiB, such as 10GiB"
#define UNITS_TIME_FORM "a time: a whole number and ms, s, m or h, such as 90s"

/* False: the text does not have that form, or the value is 2^64 or more. The result is unchanged
 * then. */
bool units_parse_size(const char *text, uint64_t *bytes);
bool units_parse_time(const char *text, uint64_t *milliseconds);

/* Prints with the largest unit that needs no fraction: "1TiB", "90s". */
void units_print_size(uint64_t bytes, char out[UNITS_TEXT_MAX]);
void units_print_time(uint64_t milliseconds, char out[UNITS_TEXT_MAX]);

#endif
