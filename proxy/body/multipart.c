/* SPDX-License-Identifier: Apache-2.0 */
/* A step per state, and one loop that runs them over a piece:
 *
 *     START -> PREAMBLE -> HEAD -> FIELD or IMAGE -> HEAD ... -> EPILOGUE
 *
 * A step moves `at` over what it is done with. When it needs more bytes, what lies behind `at` is
 * held and comes again with them: a possible part of a delimiter, or the beginning of a head.
 *
 * What is found must not depend on how the body is cut. So a fault is told by where things are in
 * the body, never by how far a piece has come. */
#include "body/multipart.h"

#include "body/multipart_delimiter.h"
#include "body/multipart_head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)DELIMITER_HOLD_MAX <= (int)MULTIPART_HOLD_MAX, "a delimiter can be held");
static_assert((int)MULTIPART_HEAD_MAX <= (int)MULTIPART_HOLD_MAX, "a head can be held");

enum state { START, PREAMBLE, HEAD, FIELD, IMAGE, EPILOGUE };

enum {
    PARTS_MAX = 100,
    AROUND_MAX = 1024 * 1024 /* bytes in front of the file's head, and again behind the file */
};

struct multipart {
    struct delimiter delimiter;
    uint64_t total;
    uint64_t passed; /* bytes of the body in front of this piece */
    uint64_t bound;  /* how far into the body this may go on */
    enum state state;
    size_t searched; /* how much of a held head, for its end */
    size_t parts;
    bool file_seen;
    char filename[MULTIPART_FILENAME_MAX + 1];
    bool length_known;
    uint64_t length;
    const char *fault; /* latched */
};

struct piece {
    const char *bytes;
    size_t count;
    size_t at;
    struct multipart_span *image;
};

struct multipart *multipart_new(const char *boundary, uint64_t total)
{
    struct multipart *multipart = calloc(1, sizeof *multipart);
    if (!multipart)
        return NULL;
    delimiter_init(&multipart->delimiter, boundary);
    multipart->total = total;
    multipart->bound = AROUND_MAX;
    return multipart;
}

void multipart_free(struct multipart *multipart)
{
    free(multipart);
}

/* Always false, for `return`. */
static bool fail(struct multipart *multipart, const char *fault)
{
    if (!multipart->fault)
        multipart->fault = fault;
    return false;
}

static bool within_bound(struct multipart *multipart, uint64_t position)
{
    if (position <= multipart->bound)
        return true;
    return fail(multipart, multipart->file_seen ? "more than 1 MiB of it stands behind its file"
                                                : "more than 1 MiB of it stands before its file");
}

/* --- the steps: true, and the next one follows; false: no more to do, or not without more bytes -
 */

/* Goes on behind a delimiter, if it is one. */
static bool pass_delimiter(struct multipart *multipart, struct piece *piece, struct sighting seen)
{
    if (seen.mark == MARK_UNDECIDED)
        return false;
    piece->at = seen.behind;
    if (!within_bound(multipart, multipart->passed + piece->at))
        return false;
    if (seen.mark == MARK_CLOSE) {
        multipart->state = EPILOGUE;
        return multipart->file_seen ||
               fail(multipart, "none of its fields is a file: in the form, the field must be of "
                               "the type file");
    }
    multipart->state = HEAD;
    multipart->searched = 0;
    return ++multipart->parts <= PARTS_MAX || fail(multipart, "it has more than 100 parts");
}

static bool start(struct multipart *multipart, struct piece *piece)
{
    struct sighting seen = delimiter_first(&multipart->delimiter, piece->bytes, piece->count);
    if (seen.mark != MARK_NONE)
        return pass_delimiter(multipart, piece, seen);
    multipart->state = PREAMBLE;
    return true;
}

static struct sighting hunt(const struct multipart *multipart, struct piece *piece)
{
    struct sighting seen =
        delimiter_hunt(&multipart->delimiter, piece->bytes, piece->at, piece->count);
    piece->at = seen.at;
    return seen;
}

/* The preamble, and the value of a field. */
static bool pass_over(struct multipart *multipart, struct piece *piece)
{
    return pass_delimiter(multipart, piece, hunt(multipart, piece));
}

static bool hand_on(struct multipart *multipart, struct piece *piece)
{
    piece->image->at = piece->at;
    struct sighting seen = hunt(multipart, piece);
    piece->image->data = piece->at - piece->image->at;
    if (seen.mark != MARK_UNDECIDED)
        multipart->bound = multipart->passed + seen.behind + AROUND_MAX;
    return pass_delimiter(multipart, piece, seen);
}

/* The image is what is left of the body, without CRLF "--B--" CRLF. */
static bool predict(struct multipart *multipart, uint64_t here)
{
    if (multipart->total == UINT64_MAX)
        return true;
    uint64_t closing = multipart->delimiter.length + 2;
    if (multipart->total < here || multipart->total - here < closing)
        return fail(multipart, "it ends in the middle");
    uint64_t rest = multipart->total - here - closing;
    multipart->length = rest < 2 ? 0 : rest - 2;
    multipart->length_known = true;
    return true;
}

static bool begin_file(struct multipart *multipart, const struct piece *piece, const char *filename)
{
    if (multipart->file_seen)
        return fail(multipart, "it has two files");
    multipart->file_seen = true;
    memcpy(multipart->filename, filename, sizeof multipart->filename);
    multipart->state = IMAGE;
    multipart->bound = UINT64_MAX;
    return predict(multipart, multipart->passed + piece->at);
}

/* A head begins with the CRLF of the delimiter's line, and so it ends with two even if empty. */
static bool read_head(struct multipart *multipart, struct piece *piece)
{
    const char *begin = piece->bytes + piece->at;
    size_t rest = piece->count - piece->at;
    size_t look = rest < MULTIPART_HEAD_MAX ? rest : MULTIPART_HEAD_MAX;
    size_t from = multipart->searched < 3 ? 0 : multipart->searched - 3;
    const char *end = memmem(begin + from, look - from, "\r\n\r\n", 4);
    if (!end) {
        multipart->searched = look;
        return look == MULTIPART_HEAD_MAX &&
               fail(multipart, "the head of one of its parts is longer than 8 KiB");
    }
    struct multipart_head head;
    const char *fault = multipart_head_read(begin + 2, (size_t)(end - begin), &head);
    if (fault)
        return fail(multipart, fault);
    piece->at += (size_t)(end - begin) + 4;
    multipart->state = FIELD;
    return !head.file || begin_file(multipart, piece, head.filename);
}

static bool drop(struct multipart *multipart, struct piece *piece)
{
    (void)multipart;
    piece->at = piece->count;
    return false;
}

static bool (*const STEPS[])(struct multipart *multipart, struct piece *piece) = {
    [START] = start,     [PREAMBLE] = pass_over, [HEAD] = read_head,
    [FIELD] = pass_over, [IMAGE] = hand_on,      [EPILOGUE] = drop,
};

/* --- the scan -------------------------------------------------------------------------- */

/* Everything is done with, and only behind the closing delimiter that is well. */
static bool end(struct multipart *multipart, struct piece *piece)
{
    piece->at = piece->count;
    if (!within_bound(multipart, multipart->passed + piece->at))
        return false;
    if (multipart->state == START || multipart->state == PREAMBLE)
        return fail(multipart, "no line of it is the boundary that its Content-Type names");
    return multipart->state == EPILOGUE || fail(multipart, "it ends in the middle");
}

bool multipart_scan(struct multipart *multipart, const char *bytes, size_t count, bool last,
                    struct multipart_span *out)
{
    struct multipart_span image = {0};
    struct piece piece = {bytes, count, 0, &image};
    *out = image;
    while (!multipart->fault && STEPS[multipart->state](multipart, &piece))
        ;
    if (multipart->fault || (last && !end(multipart, &piece)) ||
        !within_bound(multipart, multipart->passed + piece.at))
        return false;
    multipart->passed += piece.at;
    *out = (struct multipart_span){image.at, image.data, count - piece.at};
    return true;
}

const char *multipart_fault(const struct multipart *multipart)
{
    return multipart->fault;
}

bool multipart_length(const struct multipart *multipart, uint64_t *length)
{
    if (multipart->length_known)
        *length = multipart->length;
    return multipart->length_known;
}

const char *multipart_filename(const struct multipart *multipart)
{
    return multipart->file_seen ? multipart->filename : NULL;
}
