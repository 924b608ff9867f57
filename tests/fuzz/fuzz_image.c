/* SPDX-License-Identifier: Apache-2.0 */
/* Glance's answer about an image: it has a status, or it is none. */
#include "input.h"

#include "intake/image.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image;
    bool parsed = image_parse((const char *)data, size, &image);
    property(parsed == (image.status != NULL));
    property(parsed || (!image.id && !image.disk_format && !image.owner && !image.stores));
    property(image.size_known ? image.size <= INT64_MAX : !image.size);
    image_free(&image);
    return 0;
}
