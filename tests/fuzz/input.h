/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers share: the input is text in lines, so that the corpus can be read. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include "intake/headers.h"

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's own entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of the input, NUL-terminated; it ends at a NUL of its own. Owned by the caller. */
char *input_text(const uint8_t *data, size_t size);

/* Cuts the next line off; "" when there is none left. */
char *input_line(char **text);

/* The lines that are left, as header fields: "Name: value". */
void input_headers(char **text, struct headers *headers);

enum { INPUT_PATH_MAX = 64 };

/* The input as a file in memory that can be opened by `path`. */
int input_file(const void *data, size_t size, char path[INPUT_PATH_MAX]);
void input_file_close(int file);

/* Stops the fuzzer if `holds` is false, whatever the build type. */
#define property(holds) ((holds) ? (void)0 : __builtin_trap())

#endif
