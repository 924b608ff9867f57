/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that is complete before it is sent: a refusal, or Glance's answer to an upload. */
#ifndef INTAKE_REPLY_H
#define INTAKE_REPLY_H

#include "intake/buffer.h"
#include "intake/headers.h"
#include "intake/refusal.h"

#include <stdbool.h>

/* Owns headers and body. `headers` has no Content-Length, Date or Connection: whoever sends
 * the reply writes those. */
struct reply {
    unsigned status;
    struct headers headers;
    struct buffer body;
};

enum { REPLY_BODY_MAX = 1 << 20 };

/* What a refusal tells besides its row. Borrowed; each may be NULL. */
struct refusal_context {
    const char *detail; /* the particulars, without a full stop: "its status is active" */
    const char *image_id;
    const char *request_id;  /* never NULL */
    const char *url;         /* the upload's address as the client sees it */
    const char *user_agent;  /* the client's: glanceclient needs the refusal as plain text, and the
                              * commands are those of the client */
    const char *disk_format; /* the image's */
    const char *container_format;
    bool upload;     /* of an upload, and not of another request */
    bool for_glance; /* Glance would refuse the data after storing it, and `detail` says why */
};

void reply_init(struct reply *reply);

/* Fills `reply` with the refusal: JSON with message, code, title, reason, hint, image_id and
 * request_id in this order (glanceclient, which stumbles over JSON errors, gets the same in
 * three lines of text), and X-Openstack-Request-Id. Any earlier content is dropped; `reply` must
 * have been through reply_init(). False: no memory; the reply is then empty. */
bool reply_refuse(struct reply *reply, enum refusal refusal, const struct refusal_context *context);

/* Adds a text like those of the table, its placeholders filled in. False: no memory, or no room. */
bool reply_fill_in(const char *text, const struct refusal_context *context, struct buffer *out);

/* The reason phrase of a status ("Conflict"); "" for one that is not registered. */
const char *reply_phrase(unsigned status);

void reply_free(struct reply *reply);

#endif
