/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the image in a form, as a state machine. Each state has a step; a loop runs the steps over
 * a chunk:
 *
 *     START -> PREAMBLE -> HEAD -> FIELD or IMAGE -> HEAD ... -> EPILOGUE
 *
 * A step moves `at` past the bytes that it is done with. If it needs more bytes, the bytes from
 * `at` on are held and come again at the front of the next chunk: an incomplete delimiter, or an
 * incomplete head.
 *
 * The result must not depend on how the body is divided into chunks. So limits are checked against
 * positions in the body, never against positions in a chunk. */
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
    AROUND_MAX = 1024 * 1024 /* bytes before the file's head, and again after the file */
};

struct multipart {
    struct delimiter delimiter;
    uint64_t total;
    uint64_t passed; /* bytes of the body before this chunk */
    uint64_t bound;  /* the position in the body that must not be passed in this state */
    enum state state;
    size_t searched; /* bytes of a held head that were searched for its end */
    size_t parts;
    bool file_seen;
    char filename[MULTIPART_FILENAME_MAX + 1];
    bool length_known;
    uint64_t length;
    const char *fault; /* latched */
};

struct chunk {
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

/* Always returns false. The first fault is kept. */
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
    return fail(multipart, multipart->file_seen ? "more than 1 MiB follows its file"
                                                : "more than 1 MiB comes before its file");
}

/* --- the steps ------------------------------------------------------------------------- */

/* A step returns true to run the next one, and false if it needs more bytes, is done, or fails. */

/* Moves past the delimiter and sets the next state. False: more bytes are needed, or a fault. */
static bool pass_delimiter(struct multipart *multipart, struct chunk *chunk, struct sighting seen)
{
    if (seen.mark == MARK_UNDECIDED)
        return false;
    chunk->at = seen.behind;
    if (!within_bound(multipart, multipart->passed + chunk->at))
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

static bool start(struct multipart *multipart, struct chunk *chunk)
{
    struct sighting seen = delimiter_at_start(&multipart->delimiter, chunk->bytes, chunk->count);
    if (seen.mark != MARK_NONE)
        return pass_delimiter(multipart, chunk, seen);
    multipart->state = PREAMBLE;
    return true;
}

static struct sighting find_delimiter(const struct multipart *multipart, struct chunk *chunk)
{
    struct sighting seen =
        delimiter_find(&multipart->delimiter, chunk->bytes, chunk->at, chunk->count);
    chunk->at = seen.at;
    return seen;
}

/* Skips the preamble, or the value of a field. */
static bool skip_to_delimiter(struct multipart *multipart, struct chunk *chunk)
{
    return pass_delimiter(multipart, chunk, find_delimiter(multipart, chunk));
}

static bool emit_image(struct multipart *multipart, struct chunk *chunk)
{
    chunk->image->at = chunk->at;
    struct sighting seen = find_delimiter(multipart, chunk);
    chunk->image->data = chunk->at - chunk->image->at;
    if (seen.mark != MARK_UNDECIDED)
        multipart->bound = multipart->passed + seen.behind + AROUND_MAX;
    return pass_delimiter(multipart, chunk, seen);
}

/* The image is the remainder of the body without CRLF "--B--" CRLF. */
static bool predict_length(struct multipart *multipart, uint64_t here)
{
    if (multipart->total == UINT64_MAX)
        return true;
    uint64_t closing = multipart->delimiter.length + 2;
    if (multipart->total < here || multipart->total - here < closing)
        return fail(multipart, "it ends in the middle");
    uint64_t remaining = multipart->total - here - closing;
    multipart->length = remaining < 2 ? 0 : remaining - 2;
    multipart->length_known = true;
    return true;
}

static bool begin_file(struct multipart *multipart, const struct chunk *chunk, const char *filename)
{
    if (multipart->file_seen)
        return fail(multipart, "it has two files");
    multipart->file_seen = true;
    memcpy(multipart->filename, filename, sizeof multipart->filename);
    multipart->state = IMAGE;
    multipart->bound = UINT64_MAX;
    return predict_length(multipart, multipart->passed + chunk->at);
}

/* A head begins with the CRLF of the delimiter's line, so even an empty head ends with two CRLF. */
static bool read_head(struct multipart *multipart, struct chunk *chunk)
{
    const char *begin = chunk->bytes + chunk->at;
    size_t left = chunk->count - chunk->at;
    size_t look = left < MULTIPART_HEAD_MAX ? left : MULTIPART_HEAD_MAX;
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
    chunk->at += (size_t)(end - begin) + 4;
    multipart->state = FIELD;
    return !head.file || begin_file(multipart, chunk, head.filename);
}

static bool discard(struct multipart *multipart, struct chunk *chunk)
{
    (void)multipart;
    chunk->at = chunk->count;
    return false;
}

static bool (*const STEPS[])(struct multipart *multipart, struct chunk *chunk) = {
    [START] = start,      [PREAMBLE] = skip_to_delimiter,
    [HEAD] = read_head,   [FIELD] = skip_to_delimiter,
    [IMAGE] = emit_image, [EPILOGUE] = discard,
};

/* --- the scan -------------------------------------------------------------------------- */

/* The body has ended. That is a fault unless the closing delimiter was seen. */
static bool end(struct multipart *multipart, struct chunk *chunk)
{
    chunk->at = chunk->count;
    if (!within_bound(multipart, multipart->passed + chunk->at))
        return false;
    if (multipart->state == START || multipart->state == PREAMBLE)
        return fail(multipart, "no line is the boundary that its Content-Type names");
    return multipart->state == EPILOGUE || fail(multipart, "it ends in the middle");
}

bool multipart_scan(struct multipart *multipart, const char *bytes, size_t count, bool last,
                    struct multipart_span *out)
{
    struct multipart_span image = {0};
    struct chunk chunk = {bytes, count, 0, &image};
    *out = image;
    while (!multipart->fault && STEPS[multipart->state](multipart, &chunk))
        ;
    if (multipart->fault || (last && !end(multipart, &chunk)) ||
        !within_bound(multipart, multipart->passed + chunk.at))
        return false;
    multipart->passed += chunk.at;
    *out = (struct multipart_span){image.at, image.data, count - chunk.at};
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
