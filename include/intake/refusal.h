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

/* How a user of curl goes on with an upload: the answer to the first command has Upload-Offset. */
#define REFUSAL_RESUME                                                                             \
    "curl -sI -H 'X-Auth-Token: TOKEN' {url} && "                                                  \
    "curl -C OFFSET -T FILE -H 'X-Auth-Token: TOKEN' {url}"

/* clang-format off */
#define REFUSALS(row)                                                                              \
    row(BAD_REQUEST, "bad_request", 400,                                                           \
        "The request was not sent to Glance because its head is not valid HTTP{detail}. "          \
        "Correct the head and send it again.",                                                     \
        "Leave Host, Content-Length and Transfer-Encoding to your HTTP client.")                   \
    row(TARGET_TOO_LONG, "target_too_long", 414,                                                   \
        "The request was not sent to Glance because its target (path and query) is too "           \
        "long{detail}. Ask for less in one request.",                                              \
        "Send several requests with a shorter query each.")                                        \
    row(HEAD_TOO_LONG, "head_too_long", 431,                                                       \
        "The request was not sent to Glance because it has too many headers, or they are too "     \
        "long{detail}. Send fewer or shorter headers.",                                            \
        "Send fewer headers; a shorter token (Fernet instead of PKI) helps, too.")                 \
    row(HTTP_VERSION, "http_version", 505,                                                         \
        "The request was not sent to Glance because this proxy supports only HTTP/1.1 and "        \
        "HTTP/1.0{detail}. Send it in HTTP/1.1.",                                                  \
        "curl --http1.1 -T FILE -H 'X-Auth-Token: TOKEN' {url}")                                   \
    row(PLAIN_HTTP, "plain_http", 400,                                                             \
        "This port uses TLS, and the request came in plain HTTP{detail}. Begin the address "       \
        "with https:// instead of http://.",                                                       \
        "{https}")                                                                                 \
    row(CERTIFICATE_REQUIRED, "certificate_required", 403,                                         \
        "This proxy accepts only clients that show a certificate of this cloud, and this one "     \
        "has shown none that is valid{detail}. Send the request again with a certificate.",        \
        "curl --cert CERTIFICATE --key KEY -H 'X-Auth-Token: TOKEN' {https}")                          \
    row(PASSWORD_OVER_PLAIN_HTTP, "password_over_plain_http", 403,                                 \
        "Passwords are accepted only over TLS, and this one came in plain HTTP{detail}. Others "   \
        "may have read it on its way, so change it. Use the address that begins with https://, "   \
        "or a token.",                                                                             \
        "curl -T FILE -H 'X-Auth-Token: TOKEN' {url}")                                             \
    row(LOGIN_REQUIRED, "login_required", 401,                                                     \
        "This upload needs a login{detail}. Send a token (X-Auth-Token), or over TLS a user and "  \
        "a password, or the id and the secret of an application credential.",                      \
        "curl -T FILE -H 'X-Auth-Token: TOKEN' {url}")                                             \
    row(LOGIN_FAILED, "login_failed", 401,                                                         \
        "Keystone, the identity service, does not accept this login{detail}. Check the user, the " \
        "domain behind its last @ (Default without one), and the password.",                       \
        "curl -T FILE -u USER@DOMAIN {url}")                                                       \
    row(PROJECT_REQUIRED, "project_required", 400,                                                 \
        "It is not clear which project the image is for{detail}. Name the project with "           \
        "?project= in the address, by its name or its id.",                                        \
        "Add ?project=PROJECT to the address; behind other options it is &project=PROJECT.")       \
    row(TOO_MANY_FAILED_LOGINS, "too_many_failed_logins", 429,                                     \
        "Too many logins have failed{detail}. Wait as long as Retry-After says, then try again "   \
        "with the right password.",                                                                \
        "Wait as long as Retry-After says, and check the password.")                               \
    row(KEYSTONE_UNREACHABLE, "keystone_unreachable", 503,                                         \
        "Keystone, the identity service, gives no answer that tells who this is{detail}. Try "     \
        "again in a moment; if it fails again, tell the operator of this cloud.",                  \
        "Try again in a moment; if it fails again, give the operator the request_id.")             \
    row(JSON_MALFORMED, "json_malformed", 400,                                                     \
        "The JSON of the request cannot be read, or it can be read in two ways{detail}. "          \
        "Correct the body and send it again.",                                                     \
        "Send one JSON text in UTF-8 without a repeated key; see Glance's API reference.")         \
    row(JSON_TOO_LONG, "json_too_long", 413,                                                       \
        "The JSON of the request is too long for this proxy{detail}. Change fewer properties "     \
        "in one request.",                                                                         \
        "Send several smaller requests.")                                                          \
    row(IMAGE_NOT_QUEUED, "image_not_queued", 409,                                                 \
        "The image is not waiting for data{detail}. If an upload to it is running, wait for "      \
        "its end; else create a new image and upload to that, because data of an image cannot "    \
        "be replaced.",                                                                            \
        "{create}")                                                                                \
    row(UPLOAD_IN_PROGRESS, "upload_in_progress", 409,                                             \
        "Another upload to this image is in progress{detail}. Wait for its end: an image "         \
        "accepts data only once.",                                                                 \
        "{show}")                                                                                  \
    row(OFFSET_MISMATCH, "offset_mismatch", 409,                                                   \
        "The upload cannot go on at this place{detail}. Ask where it stands with HEAD, whose "     \
        "answer has Upload-Offset, and go on there.",                                              \
        REFUSAL_RESUME)                                                                            \
    row(UPLOAD_MOVING, "upload_moving", 423,                                                       \
        "The upload goes on over another connection now{detail}. If that is dead, it gives way "   \
        "in a few seconds: try again then.",                                                       \
        REFUSAL_RESUME)                                                                            \
    row(UPLOAD_NOT_HELD, "upload_not_held", 404,                                                   \
        "Nothing of this upload is here: it was not created, has expired, or was "                 \
        "dropped{detail}. Create it again with POST, and send it from its beginning.",             \
        "{upload}")                                                                                \
    row(TUS_VERSION, "tus_version", 412,                                                           \
        "This proxy speaks another version of tus{detail}. Send Tus-Resumable: 1.0.0.",            \
        "curl -sI -X OPTIONS {url}")                                                               \
    row(WRONG_METHOD, "wrong_method", 405,                                                         \
        "Image data is uploaded with PUT to the image's URL that ends in /file{detail}. The "      \
        "data was not read, and the image has not changed: send the file with {tool}.",            \
        "{upload}")                                                                                \
    row(FORMATS_UNSET, "formats_unset", 400,                                                       \
        "The image accepts no data before its disk format and container format are "               \
        "set{detail}. Set both, then upload again.",                                               \
        "{set}")                                                                                   \
    row(EMPTY_BODY, "empty_body", 400,                                                             \
        "The upload has no data, and Glance would create an image of 0 bytes{detail}. Send the "   \
        "file with {tool}.",                                                                       \
        "{upload}")                                                                                \
    row(CONTENT_RANGE, "content_range", 400,                                                       \
        "The upload is only a part of a file (Content-Range), and Glance would store it as the "   \
        "whole image{detail}. Send the whole file at once with {tool}.",                           \
        "{upload}")                                                                                \
    row(CONTENT_ENCODING, "content_encoding", 400,                                                 \
        "The upload is compressed (Content-Encoding), and Glance would store the compressed "      \
        "data{detail}. Send the file without compression with {tool}.",                            \
        "{upload}")                                                                                \
    row(DAMAGED_BODY, "damaged_body", 400,                                                         \
        "The image data was changed on its way here, and the image would not boot{detail}. "       \
        "Send the file unchanged with {tool}.",                                                    \
        "{upload}")                                                                                \
    row(FORMAT_MISMATCH, "format_mismatch", 400,                                                   \
        "The data is not in the format that the image declares{detail}. The image still waits "    \
        "for data in its own format.",                                                             \
        "{right}")                                                                                 \
    row(UNSAFE_FORMAT, "unsafe_format", 400,                                                       \
        "The image could make the host that opens it read files of that host{detail}. Make a "     \
        "copy that needs no other file, and send the copy; the image still waits for data.",       \
        "qemu-img convert -O {qemu} FILE COPY{then}{upload_copy}")                                 \
    row(TRUNCATED, "truncated", 400,                                                               \
        "The image data is shorter than its own header says, so a part of the file is "            \
        "missing{detail}. Compare the file with its original, and send the whole file; the "       \
        "image still waits for data.",                                                             \
        "{upload}")                                                                                \
    row(COMPRESSED, "compressed", 400,                                                             \
        "The data is compressed, and no hypervisor decompresses an image{detail}. Decompress "     \
        "the file and send the result; the image still waits for data.",                           \
        "{decompress}")                                                                            \
    row(FORMAT_UNKNOWN, "format_unknown", 400,                                                     \
        "The format of the image is not found in its data{detail}. Name the format with "          \
        "?disk_format=, or send another file.",                                                    \
        "curl -T FILE -H 'X-Auth-Token: TOKEN' '{url}?disk_format=raw'")                           \
    row(MULTIPART_MALFORMED, "multipart_malformed", 400,                                           \
        "The image cannot be extracted from the form{detail}. Send the bare file with {tool}, "    \
        "or a form with one file as its last part.",                                               \
        "{upload}")                                                                                \
    row(SIZE_MISMATCH, "size_mismatch", 400,                                                       \
        "The upload does not have the size that was announced{detail}. The image waits for "       \
        "data again: send the file with curl -T FILE, which announces the right length.",          \
        "{curl}")                                                                                  \
    row(DIGEST_MISMATCH, "digest_mismatch", 400,                                                   \
        "The data does not have the digest that was promised for it{detail}. The image waits "     \
        "for data again: compare the file with its digest, then send it again with {tool}.",       \
        "sha256sum FILE{then}{upload}")                                                            \
    row(UNSUPPORTED_CONTENT_TYPE, "unsupported_content_type", 415,                                 \
        "The body was not sent as image data{detail}. Send the bare file, not a form, as "         \
        "application/octet-stream.",                                                               \
        "curl -T FILE -H 'Content-Type: application/octet-stream' -H 'X-Auth-Token: TOKEN' "       \
        "{url}")                                                                                   \
    row(STORE_NOT_ALLOWED, "store_not_allowed", 403,                                               \
        "The policy of this cloud does not allow the store that was asked for{detail}. Name no "   \
        "store (X-Image-Meta-Store, --store), or an allowed one.",                                 \
        "Leave out X-Image-Meta-Store, --store, stores and all_stores.")                           \
    row(DENIED_BY_POLICY, "denied_by_policy", 403,                                                 \
        "The policy of this cloud does not accept this{detail}.",                                  \
        "Ask the operator of this cloud, or change the image so that another rule applies.")       \
    row(STORE_UNKNOWN, "store_unknown", 503,                                                       \
        "The policy of this cloud sends this image to a store that Glance does not "               \
        "have{detail}. No data was accepted; only the operator of this cloud can fix this.",       \
        "Give the operator of this cloud the request_id.")                                         \
    row(LENGTH_REQUIRED, "length_required", 411,                                                   \
        "This upload has no length, and here it needs one{detail}. Send the file with curl -T "    \
        "FILE, which sends the length.",                                                           \
        "{curl}")                                                                                  \
    row(TOO_LARGE, "too_large", 413,                                                               \
        "The request is larger than this cloud allows{detail}. Make it smaller, or ask the "       \
        "operator of this cloud for a higher limit.",                                              \
        "{shrink}")                                                                                \
    row(QUOTA_EXCEEDED, "quota_exceeded", 413,                                                     \
        "The project's quota is too small for this upload{detail}. Delete images that are not "    \
        "needed, or ask the operator of this cloud for a larger quota.",                           \
        "{usage}")                                                                                 \
    row(STORE_FULL, "store_full", 413,                                                             \
        "The store of this upload does not have enough space{detail}. Delete images that are "     \
        "not needed, or ask the operator of this cloud for more space.",                           \
        "Delete images that are not needed, or ask the operator of this cloud for more space.")    \
    row(SPOOL_FULL, "spool_full", 507,                                                             \
        "There is not enough disk space now to keep the upload{detail}. Try again later. An "      \
        "upload that has no length may need no disk if it is sent with curl -T FILE, which sends " \
        "the length.",                                                                             \
        "{curl}")                                                                                  \
    row(CLIENT_STALLED, "client_stalled", 408,                                                     \
        "The client sent no more data, so the request was ended{detail}. An image waits for "      \
        "data again: check the network, then send the request again.",                             \
        "Check the network, then send the request again.")                                         \
    row(GLANCE_UNREACHABLE, "glance_unreachable", 502,                                             \
        "Glance, the image service, cannot be reached{detail}. Try again in a moment; if it "      \
        "fails again, tell the operator of this cloud.",                                           \
        "Try again in a moment; if it fails again, give the operator the request_id.")             \
    row(GLANCE_FAILED, "glance_failed", 502,                                                       \
        "Glance closed the connection, or its answer cannot be read{detail}. {afterwards}",        \
        "{look}")                                                                                  \
    row(VERIFY_FAILED, "verify_failed", 502,                                                       \
        "Glance accepted the upload, but it does not have the image that was sent{detail}. Do "    \
        "not use this image: delete it, create it again and upload again.",                        \
        "{delete}")                                                                                \
    row(GLANCE_TIMEOUT, "glance_timeout", 504,                                                     \
        "Glance did not answer in time{detail}. {afterwards}",                                     \
        "{look}")                                                                                  \
    row(DRAINING, "draining", 503,                                                                 \
        "This proxy is stopping and accepts no new uploads{detail}. Try again in a moment.",       \
        "Try again in a moment.")                                                                  \
    row(TOO_MANY_UPLOADS, "too_many_uploads", 429,                                                 \
        "Too many uploads are in progress, and this one has waited too long for its turn{detail}. " \
        "Try again later.",                                                                        \
        "Try again later; if it fails again, the operator can raise max_uploads or limits.")                 \
    row(LOOP_DETECTED, "loop_detected", 508,                                                       \
        "The request came back to this proxy, in an endless loop{detail}. Only the operator of "   \
        "this cloud can fix this: an endpoint leads back to the proxy.",                           \
        "Give the operator of this cloud the request_id.")                                         \
    row(TOO_MANY_CONNECTIONS, "too_many_connections", 503,                                         \
        "This proxy has reached its limit of connections{detail}. Try again in a moment.",         \
        "Try again in a moment; if it fails again, the operator can raise max_connections.")       \
    row(OUT_OF_MEMORY, "out_of_memory", 503,                                                       \
        "This proxy does not have enough memory and has ended the request{detail}. Try again "     \
        "in a moment; after an upload, look at the image first, and upload again only if it is "   \
        "queued.",                                                                                 \
        "Try again in a moment; if it fails again, give the operator the request_id.")
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
