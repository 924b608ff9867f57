/* SPDX-License-Identifier: Apache-2.0 */
/* glance-intake.conf: it gives settings or problems, and printed settings must be read and printed
 * as the same. */
#include "input.h"

#include "intake/buffer.h"
#include "intake/diagnostics.h"
#include "intake/settings.h"

#include <string.h>

enum { PRINTED_MAX = 1 << 20 };

static struct settings *load(const void *data, size_t size)
{
    char path[INPUT_PATH_MAX];
    int file = input_file(data, size, path);
    const char *files[] = {path};
    struct settings_sources sources = {.files = files, .file_count = 1};
    struct diagnostics diagnostics = {0};
    struct settings *settings = settings_load(&sources, &diagnostics);
    property((settings != NULL) == (diagnostics.count == 0));
    diagnostics_free(&diagnostics);
    input_file_close(file);
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = load(data, size);
    if (!settings)
        return 0;
    struct buffer once;
    struct buffer twice;
    buffer_init(&once, PRINTED_MAX);
    buffer_init(&twice, PRINTED_MAX);
    settings_print(settings, &once);
    settings_free(settings);
    settings = load(buffer_text(&once), once.len);
    property(settings != NULL);
    settings_print(settings, &twice);
    settings_free(settings);
    property(!strcmp(buffer_text(&once), buffer_text(&twice)));
    buffer_free(&once);
    buffer_free(&twice);
    return 0;
}
