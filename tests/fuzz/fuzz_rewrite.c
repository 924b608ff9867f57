/* SPDX-License-Identifier: Apache-2.0 */
/* A version document, or a Location: once it leads back there is nothing left to change. */
#include "input.h"

#include "intake/buffer.h"
#include "intake/request.h"
#include "intake/rewrite.h"

#include <stdlib.h>
#include <string.h>

static const struct origin SEEN = {"192.0.2.7", "https", "images.example.org", "/image", ""};
static const char *const ENDPOINTS[] = {"http://127.0.0.1:9393", "https://glance.internal"};

enum { OUT_MAX = 1 << 20 };

static void check_versions(const char *json, size_t length)
{
    struct buffer once;
    struct buffer twice;
    buffer_init(&once, OUT_MAX);
    buffer_init(&twice, OUT_MAX);
    if (rewrite_versions(json, length, &SEEN, &once))
        property(!rewrite_versions(once.data, once.len, &SEEN, &twice));
    else
        property(!once.len);
    property(!twice.len);
    buffer_free(&once);
    buffer_free(&twice);
}

static void check_location(const char *location)
{
    struct buffer once;
    struct buffer twice;
    buffer_init(&once, OUT_MAX);
    buffer_init(&twice, OUT_MAX);
    if (rewrite_location(location, &SEEN, ENDPOINTS, 2, &once)) {
        static const char home[] = "https://images.example.org/image";
        property(!strncmp(once.data, home, sizeof home - 1));
        property(!rewrite_location(once.data, &SEEN, ENDPOINTS, 2, &twice));
    }
    property(!twice.len);
    buffer_free(&once);
    buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    check_versions((const char *)data, size);
    check_location(text);
    free(text);
    return 0;
}
