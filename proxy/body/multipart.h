/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file in a multipart/form-data body (RFC 7578, RFC 2046 5.1).
 *
 *     preamble  --B CRLF  head of a field  CRLF CRLF  value
 *          CRLF --B CRLF  head of the file CRLF CRLF  IMAGE
 *          CRLF --B-- CRLF  epilogue
 *
 * The file is the part whose Content-Disposition has a filename; there must be exactly one. Parts
 * without a filename are fields, and are skipped. The scanner gets the body chunk by chunk. It
 * neither changes nor copies bytes, and is as fast as memmem(). */
#ifndef BODY_MULTIPART_H
#define BODY_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MULTIPART_BOUNDARY_MAX = 70,     /* RFC 2046 5.1.1 */
    MULTIPART_HEAD_MAX = 8 * 1024,   /* the head of one part, bytes */
    MULTIPART_HIDDEN_MAX = 4 * 1024, /* bytes that multipart_guess() needs at most */
    /* The most bytes that are held back. The buffer for a chunk must be larger than this. */
    MULTIPART_HOLD_MAX = MULTIPART_HEAD_MAX + MULTIPART_BOUNDARY_MAX + 8
};

/* Reads the boundary from a Content-Type, quoted or not. False: it is not multipart/form-data, or
 * it has no well-formed boundary. */
bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1]);

enum multipart_guess { MULTIPART_NO, MULTIPART_PERHAPS, MULTIPART_YES };

/* Tells from its first bytes whether a body is a form; the Content-Type is not used. A form begins
 * with a line "--B" and the head of a part with a form's Content-Disposition. PERHAPS: more bytes
 * are needed (never if `count` is MULTIPART_HIDDEN_MAX or more). YES: the boundary is in `out`. */
enum multipart_guess multipart_guess(const char *bytes, size_t count,
                                     char out[MULTIPART_BOUNDARY_MAX + 1]);

struct multipart;

/* `total`: length of the whole body in bytes; UINT64_MAX: not known. NULL: no memory. The caller
 * owns the result. */
struct multipart *multipart_new(const char *boundary, uint64_t total);
void multipart_free(struct multipart *multipart); /* NULL is fine */

/* The result of one scan: `data` bytes of the image begin at `at`. The last `hold` bytes must be at
 * the front of the next chunk. All other bytes are done with. */
struct multipart_span {
    size_t at;
    size_t data;
    size_t hold;
};

/* Scans the next chunk, which begins with the held bytes. `last`: the body ends with it; then no
 * bytes are held. Bytes that may belong to a delimiter are never reported as image. Fields after
 * the file are skipped; a second file is a fault. False: multipart_fault() has the fault; it is
 * final. */
bool multipart_scan(struct multipart *multipart, const char *bytes, size_t count, bool last,
                    struct multipart_span *out);

/* A clause: "it has two files", "it has no file", "it ends in the middle", ... NULL: none. */
const char *multipart_fault(const struct multipart *multipart);

/* The expected length of the image in bytes. It is known once the head of the file was read, if
 * `total` is known. It assumes that the form ends after the file with CRLF "--B--" CRLF, as with
 * every client that sends the file last. So the caller must hold back the image's last byte until
 * the body has ended and the count is right. */
bool multipart_length(const struct multipart *multipart, uint64_t *length);

/* The file name from the form, for messages, in printable ASCII. NULL: not seen yet. */
const char *multipart_filename(const struct multipart *multipart);

#endif
