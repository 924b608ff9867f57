/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are complete before they are sent: refusals, and Glance's answers to uploads. */
#ifndef INTAKE_REPLY_H
#define INTAKE_REPLY_H

#include "intake/buffer.h"
#include "intake/headers.h"
#include "intake/refusal.h"

#include <stdbool.h>

/* Owns headers and body. `headers` has no Content-Length, Date or Connection: the sender of the
 * reply adds those. */
struct reply {
    unsigned status;
    struct headers headers;
    struct buffer body;
};

enum { REPLY_BODY_MAX = 1 << 20 };

/* The facts for the texts of a refusal. Borrowed; each may be NULL unless it says otherwise. */
struct refusal_context {
    const char *detail; /* the details, without a full stop: "its status is active" */
    const char *image_id;
    const char *request_id;  /* never NULL */
    const char *url;         /* the URL of the upload as the client sees it */
    const char *user_agent;  /* the client's: it decides the commands in the hint, and glanceclient
                              * needs plain text */
    const char *disk_format; /* the image's formats */
    const char *container_format;
    const char *problem; /* a problem type (RFC 9457); NULL: none */
    bool tells_offsets;  /* with `problem`: the offset that is right, and that of the request */
    uint64_t expected_offset, provided_offset;
    bool upload;     /* the request is an upload */
    bool new_image;  /* to /upload/: the image goes with it, and `url` is that of /upload/ */
    bool resumable;  /* the upload is held: the hint says how to go on with it */
    bool for_glance; /* Glance would refuse the data after storing it, and `detail` says why */
};

void reply_init(struct reply *reply);

/* Writes the refusal to `reply`, which must be initialised: JSON with message, code, title, reason,
 * hint, image_id and request_id in this order, and X-Openstack-Request-Id. glanceclient cannot read
 * JSON errors and gets three lines of text instead. Earlier content is dropped. False: no memory;
 * the reply is empty. */
bool reply_refuse(struct reply *reply, enum refusal refusal, const struct refusal_context *context);

/* Appends a text with placeholders like those of REFUSALS, expanded. False: no memory, or `out` is
 * full. */
bool reply_fill_in(const char *text, const struct refusal_context *context, struct buffer *out);

/* The reason phrase of a status ("Conflict"); "" for an unregistered status. */
const char *reply_phrase(unsigned status);

void reply_free(struct reply *reply);

#endif
