/* SPDX-License-Identifier: Apache-2.0 */
/* After DELETE of an image: an upload to it that is held has nothing to wait for any more. Glance
 * would notice only at the upload's end, and the upload would occupy one of its workers until then.
 */
#include "exchange/relay/relay_steps.h"

#include "intake/client.h"
#include "intake/held_uploads.h"
#include "intake/settings.h"
#include "intake/snapshot.h"

#include <string.h>

/* NULL: the request did not delete an image. Another spelling of the path is not worth a parser:
 * the upload then ends with its window. */
static const char *deleted_image(const struct exchange *x)
{
    static const char prefix[] = "/v2/images/";
    const char *path = x->request.target.path;
    bool deleted = x->glance.answer.status == 204 && x->client &&
                   strcmp(client_head(x->client)->method, "DELETE") == 0 &&
                   strncmp(path, prefix, sizeof prefix - 1) == 0;
    return deleted && !strchr(path + sizeof prefix - 1, '/') ? path + sizeof prefix - 1 : NULL;
}

void image_deleted_end(const struct exchange *x)
{
    const char *image = x->snapshot->settings->resume.window ? deleted_image(x) : NULL;
    if (image)
        held_uploads_drop(x->parts->held_uploads, image, "the image was deleted");
}
