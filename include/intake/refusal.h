/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason for which this proxy itself refuses or fails a request, in one table.
 *
 * A row: constant, name (in the answer, the log, the metrics), status, what happened (a plain
 * clause without a full stop; the particulars are added after a colon), and a hint: what to do.
 * In a hint, {url} is the address of the upload as the client sees it and {image} the image id. */
#ifndef INTAKE_REFUSAL_H
#define INTAKE_REFUSAL_H

/* clang-format off */
#define REFUSALS(row)                                                                              \
    row(BAD_REQUEST, "bad_request", 400,                                                           \
        "The request cannot be read without doubt and was not passed on to Glance",                \
        "Correct the request head and send it again.")                                             \
    row(IMAGE_NOT_QUEUED, "image_not_queued", 409,                                                 \
        "The image is not waiting for data",                                                       \
        "Create a new image (openstack image create) and upload to that one; data that is "        \
        "there cannot be replaced.")                                                               \
    row(FORMATS_UNSET, "formats_unset", 400,                                                       \
        "The image does not say what its data is",                                                 \
        "openstack image set --disk-format qcow2 --container-format bare {image}")                 \
    row(EMPTY_BODY, "empty_body", 400,                                                             \
        "The request has no image data, and Glance would make the image active with 0 bytes",      \
        "curl -T FILE -H 'X-Auth-Token: ...' {url}")                                               \
    row(DAMAGED_BODY, "damaged_body", 400,                                                         \
        "The image data has lost bytes on its way here: curl -d strips them, and the image "       \
        "would not boot",                                                                          \
        "curl -T FILE -H 'X-Auth-Token: ...' {url}")                                               \
    row(UNSUPPORTED_CONTENT_TYPE, "unsupported_content_type", 415,                                 \
        "The body is a form, not image data",                                                      \
        "curl -T FILE -H 'X-Auth-Token: ...' {url}")                                               \
    row(STORE_NOT_ALLOWED, "store_not_allowed", 403,                                               \
        "The policy does not let this upload go to the store it asks for",                         \
        "Leave X-Image-Meta-Store out, or name a store that is allowed.")                          \
    row(DENIED_BY_POLICY, "denied_by_policy", 403,                                                 \
        "The policy does not accept this upload",                                                  \
        "Ask the operator of this cloud, or change the image so that another rule applies.")       \
    row(LENGTH_REQUIRED, "length_required", 411,                                                   \
        "The policy decides by size, and this upload does not say how large it is",                \
        "curl -T FILE -H 'X-Auth-Token: ...' {url}")                                               \
    row(TOO_LARGE, "too_large", 413,                                                               \
        "The image is larger than what may be uploaded here",                                      \
        "Make the image smaller (qemu-img convert -c -O qcow2), or ask the operator for a "        \
        "higher limit.")                                                                           \
    row(CLIENT_STALLED, "client_stalled", 408,                                                     \
        "No more data came from the client, so the upload was given up; the image is queued "      \
        "again",                                                                                   \
        "Check the network between you and this address, then upload again.")                      \
    row(GLANCE_UNREACHABLE, "glance_unreachable", 502,                                             \
        "Glance cannot be reached",                                                                \
        "Try again in a moment; if it stays so, tell the operator.")                               \
    row(GLANCE_FAILED, "glance_failed", 502,                                                       \
        "Glance broke off in the middle",                                                          \
        "Look at the image (openstack image show): if it is queued, upload again; if it is "       \
        "stuck in saving, delete it and create it anew.")                                          \
    row(GLANCE_TIMEOUT, "glance_timeout", 504,                                                     \
        "Glance did not go on in time",                                                            \
        "Look at the image (openstack image show): if it is queued, upload again; if it is "       \
        "saving, Glance may still be busy with it.")                                               \
    row(DRAINING, "draining", 503,                                                                 \
        "This proxy is about to stop and takes no new uploads",                                    \
        "Try again in a moment.")                                                                  \
    row(TOO_MANY_CONNECTIONS, "too_many_connections", 503,                                         \
        "This proxy has as many connections as it may have",                                       \
        "Try again in a moment.")
/* clang-format on */

enum refusal {
#define REFUSAL_ENUM(constant, name, status, message, hint) REFUSAL_##constant,
    REFUSAL_NONE,
    REFUSALS(REFUSAL_ENUM)
#undef REFUSAL_ENUM
        REFUSAL_COUNT
};

struct refusal_row {
    const char *name; /* NULL for REFUSAL_NONE */
    unsigned status;
    const char *message;
    const char *hint;
};

const struct refusal_row *refusal_row(enum refusal refusal);

#endif
