/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all reasons for which this proxy itself refuses or fails a request.
 *
 * A row has: constant, name (in the answer, the log, the metrics), status, message, hint. The
 * message says in one or two sentences what happened and what to do. Users of openstack and glance
 * see only the message, so it must be enough without the hint. The hint is a command that works, or
 * advice if there is none.
 *
 * Both may have placeholders: {detail} (the details after a colon; empty if there are none), {url}
 * (the URL of the upload as the client sees it), {image} (the image's id), and commands of the
 * client's own program: {upload}, {create}, {show} and more, see proxy/reply/hints.c. A hint can be
 * pasted once FILE, NAME and TOKEN are replaced. A row that also applies to an import or another
 * ingest has words that fit those. */
#ifndef INTAKE_REFUSAL_H
#define INTAKE_REFUSAL_H

#include <stdint.h>

/* clang-format off */
#define REFUSALS(row)                                                                              \
    row(BAD_REQUEST, "bad_request", 400,                                                           \
        "The request was not passed on to Glance because its head is not sound "                   \
        "HTTP{detail}. Correct the head and send it again.",                                       \
        "Leave Host, Content-Length and Transfer-Encoding to your HTTP client.")                   \
    row(TARGET_TOO_LONG, "target_too_long", 414,                                                   \
        "The request was not passed on to Glance because its target, the path with the query, "    \
        "is too long{detail}. Ask for less at once.",                                              \
        "Name fewer things in one query: a filter of Glance's can be asked in several requests.")  \
    row(HEAD_TOO_LONG, "head_too_long", 431,                                                       \
        "The request was not passed on to Glance because its headers are too long together, or "   \
        "too many{detail}. Send fewer or shorter ones.",                                           \
        "Send fewer headers; a token that is shorter (Fernet instead of PKI) helps, too.")         \
    row(HTTP_VERSION, "http_version", 505,                                                         \
        "The request was not passed on to Glance because only HTTP/1.1 and HTTP/1.0 are spoken "   \
        "here{detail}. Send it in HTTP/1.1.",                                                      \
        "curl --http1.1 -T FILE -H 'X-Auth-Token: TOKEN' {url}")                                                                      \
    row(PLAIN_HTTP, "plain_http", 400,                                                             \
        "This port speaks TLS, and the request came in plain HTTP{detail}. Begin the address "     \
        "with https:// instead of http://.",                                                       \
        "{https}")                                                                                 \
    row(JSON_MALFORMED, "json_malformed", 400,                                                     \
        "What the request asks for cannot be read from its JSON without doubt{detail}. Correct "   \
        "the body and send it again.",                                                             \
        "One JSON text in UTF-8, no key twice; see Glance's API reference for what it holds.")     \
    row(JSON_TOO_LONG, "json_too_long", 413,                                                       \
        "The JSON of the request is longer than what is read here{detail}. Change fewer "          \
        "properties at once.",                                                                     \
        "Several smaller requests instead of one.")                                                \
    row(IMAGE_NOT_QUEUED, "image_not_queued", 409,                                                 \
        "The image is not waiting for data{detail}. If it is being uploaded now, wait "            \
        "for the end of that; else create a new image and upload to that one: data that "          \
        "is there cannot be replaced.",                                                            \
        "{create}")                                                                                \
    row(UPLOAD_IN_PROGRESS, "upload_in_progress", 409,                                             \
        "Another upload to this image is under way{detail}. Wait for the end of that one: an "     \
        "image takes data only once.",                                                             \
        "{show}")                                                                                  \
    row(WRONG_METHOD, "wrong_method", 405,                                                         \
        "Image data goes by PUT to the address of the image that ends in /file{detail}. It was "   \
        "not read, and the image is as it was: send the file with {tool}.",                        \
        "{upload}")                                                                                \
    row(FORMATS_UNSET, "formats_unset", 400,                                                       \
        "The image takes no data until it says what the data is{detail}. Set its disk "            \
        "format and container format, then upload again.",                                         \
        "{set}")                                                                                   \
    row(EMPTY_BODY, "empty_body", 400,                                                             \
        "The upload has no data, and Glance would make of it an image of 0 "                       \
        "bytes{detail}. Send the file with {tool}.",                                               \
        "{upload}")                                                                                \
    row(CONTENT_RANGE, "content_range", 400,                                                       \
        "The upload is a part of a file (Content-Range), and Glance would take the part "          \
        "for the whole image{detail}. Send the whole file at once with {tool}.",                   \
        "{upload}")                                                                                \
    row(CONTENT_ENCODING, "content_encoding", 400,                                                 \
        "The upload was compressed for the way (Content-Encoding), and Glance would not "          \
        "unpack it but store it so{detail}. Send the file as it is with {tool}.",                  \
        "{upload}")                                                                                \
    row(DAMAGED_BODY, "damaged_body", 400,                                                         \
        "The image data was changed on its way here, and what has come would not "                 \
        "boot{detail}. Send the file as it is with {tool}.",                                       \
        "{upload}")                                                                                \
    row(FORMAT_MISMATCH, "format_mismatch", 400,                                                   \
        "The data is not of the format that the image says it has{detail}. The image "             \
        "still waits for data of its own format.",                                                 \
        "{right}")                                                                                 \
    row(UNSAFE_FORMAT, "unsafe_format", 400,                                                       \
        "The image could make the host that opens it read files that are not its "                 \
        "own{detail}. Make a copy that stands alone, and send that; the image still "              \
        "waits for data.",                                                                         \
        "qemu-img convert -O {qemu} FILE COPY{then}{upload_copy}")                                 \
    row(TRUNCATED, "truncated", 400,                                                               \
        "The image data ends before its own header says it does, so a part of the file "           \
        "is missing{detail}. Compare the file with its original, and send the whole "              \
        "file; the image still waits for data.",                                                   \
        "{upload}")                                                                                \
    row(COMPRESSED, "compressed", 400,                                                             \
        "The data is compressed, and no hypervisor unpacks an image{detail}. Unpack the "          \
        "file and send what was in it; the image still waits for data.",                           \
        "{upload}")                                                                                \
    row(MULTIPART_MALFORMED, "multipart_malformed", 400,                                           \
        "The form around the image cannot be taken off{detail}. Send the bare file with "          \
        "{tool}, or a form whose last part is its one file.",                                      \
        "{upload}")                                                                                \
    row(SIZE_MISMATCH, "size_mismatch", 400,                                                       \
        "The upload is not as large as it said it would be{detail}. The image waits for "          \
        "data again: send the file with curl -T FILE, which says its length.",                     \
        "{curl}")                                                                                  \
    row(DIGEST_MISMATCH, "digest_mismatch", 400,                                                   \
        "The data does not have the digest that was promised for it{detail}. The image "           \
        "waits for data again: compare the file with its digest, then send it once more "          \
        "with {tool}.",                                                                            \
        "sha256sum FILE{then}{upload}")                                                            \
    row(UNSUPPORTED_CONTENT_TYPE, "unsupported_content_type", 415,                                 \
        "The body was not sent as image data{detail}. Send the bare file, not a form, as "         \
        "application/octet-stream.",                                                               \
        "curl -T FILE -H 'Content-Type: application/octet-stream' -H 'X-Auth-Token: "              \
        "TOKEN' {url}")                                                                            \
    row(STORE_NOT_ALLOWED, "store_not_allowed", 403,                                               \
        "The policy of this cloud does not let this image go to the store it asks "                \
        "for{detail}. Name no store (X-Image-Meta-Store, --store), or one that is "                \
        "allowed.",                                                                                \
        "Leave out X-Image-Meta-Store, --store, stores and all_stores.")                           \
    row(DENIED_BY_POLICY, "denied_by_policy", 403,                                                 \
        "The policy of this cloud does not accept this{detail}.",                                  \
        "Ask the operator of this cloud, or change the image so that another rule applies.")       \
    row(STORE_UNKNOWN, "store_unknown", 503,                                                       \
        "The policy of this cloud sends this image to a store that its Glance does "               \
        "not have{detail}. No data was taken; only the operator of this cloud can mend "           \
        "this.",                                                                                   \
        "Give the operator of this cloud the request_id.")                                         \
    row(LENGTH_REQUIRED, "length_required", 411,                                                   \
        "This upload does not say how large it is, and here it must{detail}. Send the "            \
        "file with curl -T FILE, which says its length.",                                          \
        "{curl}")                                                                                  \
    row(TOO_LARGE, "too_large", 413,                                                               \
        "What was sent is larger than what is taken here{detail}. Make it smaller, "               \
        "or ask the operator of this cloud for a higher limit.",                                   \
        "{shrink}")                                                                                \
    row(QUOTA_EXCEEDED, "quota_exceeded", 413,                                                     \
        "The quota of the project has no room for this upload{detail}. Delete images "             \
        "that are not needed, or ask the operator of this cloud for a larger quota.",              \
        "{usage}")                                                                                 \
    row(STORE_FULL, "store_full", 413,                                                             \
        "The store that this upload would go to has no room for it{detail}. Delete "               \
        "images that are not needed, or ask the operator of this cloud for more room.",            \
        "Delete images that are not needed, or ask the operator of this cloud for "                \
        "more room.")                                                                              \
    row(SPOOL_FULL, "spool_full", 507,                                                             \
        "There is no room just now to keep an upload that does not say its "                       \
        "length{detail}. Send the file with curl -T FILE, which says its length, or try "          \
        "again later.",                                                                            \
        "{curl}")                                                                                  \
    row(CLIENT_STALLED, "client_stalled", 408,                                                     \
        "No more data came from the client, so the request was given up{detail}. An "              \
        "image waits for its data again: check the network, then send it once more.",              \
        "Check the network, then send the same again.")                                            \
    row(GLANCE_UNREACHABLE, "glance_unreachable", 502,                                             \
        "Glance, which keeps the images, cannot be reached{detail}. "                              \
        "Try again in a moment; if it stays so, tell the operator of this cloud.",                 \
        "Try again in a moment; if it stays so, give the operator the request_id.")                \
    row(GLANCE_FAILED, "glance_failed", 502,                                                       \
        "Glance broke off in the middle{detail}. {afterwards}",                                    \
        "{look}")                                                                                  \
    row(VERIFY_FAILED, "verify_failed", 502,                                                       \
        "Glance took the upload, but what it has is not what it was sent{detail}. Do not "         \
        "use this image: delete it, create it anew and upload again.",                             \
        "{delete}")                                                                                \
    row(GLANCE_TIMEOUT, "glance_timeout", 504,                                                     \
        "Glance did not go on in time{detail}. {afterwards}",                                      \
        "{look}")                                                                                  \
    row(DRAINING, "draining", 503,                                                                 \
        "This proxy is about to stop and takes no new uploads{detail}. "                           \
        "Try again in a moment.",                                                                  \
        "Try again in a moment.")                                                                  \
    row(LOOP_DETECTED, "loop_detected", 508,                                                       \
        "The request has passed this proxy before, so it would go round for ever{detail}. Only "   \
        "the operator of this cloud can mend this: an endpoint leads back to the proxy.",          \
        "Give the operator of this cloud the request_id.")                                         \
    row(TOO_MANY_CONNECTIONS, "too_many_connections", 503,                                         \
        "This proxy has as many connections as it may have{detail}. "                              \
        "Try again in a moment.",                                                                  \
        "Try again in a moment; if it stays so, the operator can raise max_connections.")          \
    row(OUT_OF_MEMORY, "out_of_memory", 503,                                                       \
        "This proxy is short of memory and has given up the request{detail}. Try again in a "      \
        "moment; after an upload, look at the image first: only if it is queued, upload again.",   \
        "Try again in a moment; if it stays so, give the operator the request_id.")
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
    const char *message; /* with placeholders; reply_refuse() expands them */
    const char *hint;
};

const struct refusal_row *refusal_row(enum refusal refusal);

/* The bit of a reason in a set of reasons. */
static inline uint64_t refusal_bit(enum refusal refusal)
{
    return UINT64_C(1) << refusal;
}

#endif
