/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields: each declared digest is complete, occurs once per field and algorithm, and is the
 * same after it is written and read again. */
#include "input.h"

#include "intake/digest.h"
#include "intake/promises.h"

#include <stdlib.h>
#include <string.h>

static size_t size_of(const char *algorithm)
{
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {{"sha512", 64}, {"sha256", 32}, {"sha1", 20}, {"md5", 16}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!strcmp(sizes[i].name, algorithm))
            return sizes[i].size;
    return 0;
}

static void check_again(const struct promise *row)
{
    char hex[2 * PROMISE_BYTES_MAX + 1];
    struct promises again = {0};
    digest_hex(row->value, row->size, hex);
    promises_add_hex(&again, row->field, row->algorithm, hex);
    property(again.count == 1 && !memcmp(&again.rows[0], row, sizeof *row));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD_MAX = 32 * 1024 }; /* more does not get past the listener */
    if (size > HEAD_MAX)
        return 0;
    char *text = input_text(data, size);
    char *at = text;
    struct headers headers = {0};
    struct promises promises = {0};
    input_headers(&at, &headers);
    const char *fault = promises_read(&headers, &promises);
    property(!fault || *fault);
    property(promises.count <= PROMISES_MAX - 2); /* room for the image's own */
    for (size_t i = 0; i < promises.count; i++) {
        const struct promise *row = &promises.rows[i];
        property(headers_count(&headers, row->field));
        property(row->size == size_of(row->algorithm));
        for (size_t k = 0; k < i; k++)
            property(strcmp(row->field, promises.rows[k].field) != 0 ||
                     strcmp(row->algorithm, promises.rows[k].algorithm) != 0);
        check_again(row);
    }
    headers_free(&headers);
    free(text);
    return 0;
}
