/* SPDX-License-Identifier: Apache-2.0 */
/* An image on its way, in one thread. */
#ifndef BENCH_TRANSFER_H
#define BENCH_TRANSFER_H

#include "load.h"

struct transfer {
    const struct load *load;
    struct stream stream;
    char id[STREAM_ID_SIZE];
    struct wire wire;
    struct stream_room *room;
};

/* The `number`-th of the load, with a connection. */
void transfer_begin(struct transfer *transfer, const struct load *load, unsigned number);
void transfer_end(struct transfer *transfer);

/* The head of an upload, and the first `count` bytes of its image. */
void transfer_send_part(struct transfer *transfer, uint64_t count);

void transfer_upload(struct transfer *transfer);
void transfer_download(struct transfer *transfer);

double seconds_now(void); /* of a clock that is never set */

#endif
