/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of imports and updates. The input is one text. It is parsed as an import and as an
 * update. The result must be complete, and a rewritten import must be read as exactly the one
 * store. */
#include "input.h"

#include "intake/buffer.h"
#include "intake/ingest.h"

#include <string.h>

static void check_rewritten(const char *text, size_t size, const struct import_request *before)
{
    struct buffer out, again;
    struct import_request after;
    buffer_init(&out, SIZE_MAX / 2);
    buffer_init(&again, SIZE_MAX / 2);
    property(import_rewrite(text, size, "test", &out));
    property(!import_read(out.data, out.len, &after));
    property(strcmp(after.method, before->method) == 0);
    property(after.store_count == 1 && strcmp(after.stores[0], "test") == 0 && !after.all);
    property(import_rewrite(out.data, out.len, "test", &again));
    property(strcmp(out.data, again.data) == 0);
    import_request_free(&after);
    buffer_free(&out);
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct import_request request;
    bool locations;
    const char *not_imported = import_read(text, size, &request);
    property(not_imported ? !request.method && !request.stores : request.method != NULL);
    property(request.store_count <= IMPORT_STORES_MAX);
    property(request.listed || request.store_count == 0);
    if (!not_imported)
        check_rewritten(text, size, &request);
    const char *not_updated = update_read(text, size, &locations);
    property(!not_updated || !locations);
    property(!not_updated || not_imported); /* both are JSON, or neither is */
    import_request_free(&request);
    return 0;
}
