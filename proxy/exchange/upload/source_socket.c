/* SPDX-License-Identifier: Apache-2.0 */
/* The socket from which the upload takes the bytes of a client that goes on with it. */
#include "exchange/upload/upload_steps.h"

#include "intake/resumption.h"

static void ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct upload_flow *upload = CONTAINER_OF(watch, struct upload_flow, source.watch);
    watch_set(upload->x.parts->loop, watch, 0);
    upload_wake(upload);
}

void upload_source_set(struct upload_flow *upload, struct resumption *resumption)
{
    struct upload_source *source = &upload->source;
    source->kind = SOURCE_RESUMPTION;
    source->resumption = resumption;
    source->left = resumption_count(resumption);
    source->brought = 0;
    source->socket = net_socket_plain(resumption_socket(resumption));
    source->watch.fd = source->socket.fd;
    source->watch.ready = ready;
}

struct resumption *upload_source_clear(struct upload_flow *upload)
{
    struct upload_source *source = &upload->source;
    struct resumption *resumption = source->resumption;
    if (resumption)
        watch_set(upload->x.parts->loop, &source->watch, 0);
    upload_end_repeated(upload);
    source->resumption = NULL;
    source->kind = SOURCE_NONE;
    return resumption;
}
