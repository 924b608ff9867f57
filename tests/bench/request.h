/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that the sink reads of a request's head. */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

enum request_what {
    REQUEST_SHOW,     /* GET /v2/images/{id} */
    REQUEST_DOWNLOAD, /* GET /v2/images/{id}/file */
    REQUEST_UPLOAD,   /* PUT of the same */
    REQUEST_STORES,   /* GET /v2/info/stores */
    REQUEST_USAGE,    /* GET /v2/info/usage */
    REQUEST_OTHER,
};

struct request {
    enum request_what what;
    const char *id;  /* in the head; NULL: there is none */
    uint64_t length; /* of the body */
    bool close;      /* after the answer */
    bool expect;     /* 100 Continue is waited for */
};

/* `head` is a whole one, ends with NUL, and must outlive `request`. False: nothing that the
 * sink can read on after, such as a chunked body. */
bool request_read(const char *head, struct request *request);

#endif
