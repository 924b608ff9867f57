/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file of a kept upload (kept_upload.h) at any place, by jobs of the thread pool. */
#ifndef INTAKE_KEPT_READER_H
#define INTAKE_KEPT_READER_H

#include <stddef.h>
#include <stdint.h>

struct kept_plan;
struct kept_reader;

/* Has a descriptor of its own. `wake` of the plan is called after KEPT_READ_WAIT. NULL: no memory,
 * or no descriptor. */
struct kept_reader *kept_reader_new(const struct kept_plan *plan, int file);

enum kept_read { KEPT_READ_GOOD, KEPT_READ_WAIT, KEPT_READ_FAILED };

/* The bytes of the file from the place `at` on, at least one of them and at most `count`, which is
 * set to what is there. They are valid until the next call. The file must have them.
 * KEPT_READ_FAILED: the disk has failed; the log has the error. */
enum kept_read kept_reader_bytes(struct kept_reader *reader, uint64_t at, const char **bytes,
                                 size_t *count);

/* May be called in any state. NULL is fine. */
void kept_reader_free(struct kept_reader *reader);

#endif
