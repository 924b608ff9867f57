/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of a form (RFC 7578, RFC 2046 5.1): where in the bytes of a multipart/form-data body
 * the one file is.
 *
 *     preamble  --B CRLF  head of a field  CRLF CRLF  value
 *          CRLF --B CRLF  head of the file CRLF CRLF  IMAGE
 *          CRLF --B-- CRLF  epilogue
 *
 * The file is the one part whose Content-Disposition has a filename. Fields (parts without) are
 * passed over. The scanner is given the body piece by piece, changes and copies nothing, and runs
 * at the speed of memmem. */
#ifndef BODY_MULTIPART_H
#define BODY_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MULTIPART_BOUNDARY_MAX = 70,     /* RFC 2046 5.1.1 */
    MULTIPART_HEAD_MAX = 8 * 1024,   /* the head of one part, bytes */
    MULTIPART_HIDDEN_MAX = 4 * 1024, /* how far an envelope must have shown itself */
    /* The most that is ever held back, so a piece must have more room than this. */
    MULTIPART_HOLD_MAX = MULTIPART_HEAD_MAX + MULTIPART_BOUNDARY_MAX + 8
};

/* The boundary that a Content-Type names, quoted or not; false: it is not multipart/form-data, or
 * names none that is well-formed. */
bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1]);

enum multipart_guess { MULTIPART_NO, MULTIPART_PERHAPS, MULTIPART_YES };

/* Does a body that begins like this, whatever its Content-Type, have an envelope around it? A first
 * line "--B", then the head of a part with a form's Content-Disposition. PERHAPS: more bytes
 * will tell (never with MULTIPART_HIDDEN_MAX or more). With YES the boundary is in `out`. */
enum multipart_guess multipart_guess(const char *bytes, size_t count,
                                     char out[MULTIPART_BOUNDARY_MAX + 1]);

struct multipart;

/* `total` is the length of the whole body (UINT64_MAX: not known). NULL: no memory. Owned by the
 * caller. */
struct multipart *multipart_new(const char *boundary, uint64_t total);
void multipart_free(struct multipart *multipart); /* NULL is fine */

/* What a scan makes of a piece: `data` bytes of the image begin at `at`; the last `hold` bytes must
 * be in front of the next piece. What is neither is done with. */
struct multipart_span {
    size_t at;
    size_t data;
    size_t hold;
};

/* The next piece, the held bytes in front. `last`: the body ends with it, and nothing is held.
 * Never gives out a byte that might still be a part of the delimiter. Parts behind the file are
 * passed over, unless one is a second file. False: multipart_fault() says why, for good. */
bool multipart_scan(struct multipart *multipart, const char *bytes, size_t count, bool last,
                    struct multipart_span *out);

/* A clause: "it has two files", "it has no file", "it ends in the middle", ... NULL: none. */
const char *multipart_fault(const struct multipart *multipart);

/* How long the image will be: known as soon as the head of the file's part has been seen, if
 * `total` is. The form is taken to end right behind the file with CRLF "--B--" CRLF, as every
 * client ends one whose file comes last. Whoever relies on it must hold back the image's last byte
 * until the body has ended and the count is right. */
bool multipart_length(const struct multipart *multipart, uint64_t *length);

/* The file's own name as the form has it, for messages; NULL: not seen yet. Printable ASCII. */
const char *multipart_filename(const struct multipart *multipart);

#endif
