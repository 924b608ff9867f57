/* SPDX-License-Identifier: Apache-2.0 */
/* A boundary, a line whose bytes are the sizes of pieces, then the body. Split like that, whole, or
 * byte by byte, it must give the same image or the same fault, and nothing outside a piece may be
 * read. */
#include "input.h"

#include "body/multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct body {
    const char *bytes;
    size_t size;
};

struct outcome {
    const char *fault;
    char *image;
    size_t count;
    bool foretold;
    uint64_t length;
};

static char *allocate(size_t size)
{
    char *bytes = malloc(size + !size);
    if (!bytes)
        abort();
    return bytes;
}

static void check_span(const struct multipart_span *span, size_t count, bool last)
{
    property(span->at <= count && span->data <= count - span->at);
    property(span->hold <= count - span->at - span->data);
    property(span->hold <= MULTIPART_HOLD_MAX);
    property(!last || !span->hold);
}

/* One piece, in memory that ends with it; how much of it is held. */
static size_t scan(struct multipart *multipart, struct body piece, bool last, struct outcome *out)
{
    struct multipart_span span;
    char *bytes = allocate(piece.size);
    memcpy(bytes, piece.bytes, piece.size);
    bool good = multipart_scan(multipart, bytes, piece.size, last, &span);
    check_span(&span, piece.size, last);
    property(good == !multipart_fault(multipart));
    property(good || (!span.data && !span.hold));
    memcpy(out->image + out->count, bytes + span.at, span.data);
    out->count += span.data;
    free(bytes);
    return span.hold;
}

/* The sizes in turn, and again; none: the body is one piece. */
static struct outcome run(const char *boundary, struct body body, const char *sizes)
{
    struct outcome out = {.image = allocate(body.size)};
    struct multipart *multipart = multipart_new(boundary, body.size);
    size_t hold = 0;
    if (!multipart)
        abort();
    for (size_t at = 0, i = 0; !multipart_fault(multipart);) {
        size_t size = *sizes ? (unsigned char)sizes[i++ % strlen(sizes)] : body.size;
        size = size < body.size - at ? size : body.size - at;
        bool last = at == body.size || !*sizes;
        hold = scan(multipart, (struct body){body.bytes + at - hold, hold + size}, last, &out);
        at += size;
        if (last)
            break;
    }
    out.fault = multipart_fault(multipart);
    out.foretold = multipart_length(multipart, &out.length);
    property(!out.foretold || multipart_filename(multipart));
    multipart_free(multipart);
    return out;
}

/* The image has no delimiter in it, begins where the predicted length says, and is followed by a
 * delimiter. */
static void check_image(const char *boundary, struct body body, const struct outcome *out)
{
    char close[MULTIPART_BOUNDARY_MAX + 16];
    size_t length = (size_t)snprintf(close, sizeof close, "\r\n--%s--\r\n", boundary);
    property(!memmem(out->image, out->count, close, length - 2));
    property(out->foretold && out->length + length <= body.size + 2);
    if (!out->length)
        return;
    const char *begin = body.bytes + body.size - length - out->length;
    property(out->count + length - 4 <= (size_t)(body.bytes + body.size - begin));
    property(!memcmp(begin, out->image, out->count));
    property(!memcmp(begin + out->count, close, length - 4));
}

static void check_same(const struct outcome *whole, struct outcome cut)
{
    property(cut.fault == whole->fault);
    property(cut.foretold == whole->foretold && cut.length == whole->length);
    property(cut.count >= whole->count);
    property(cut.fault ||
             (cut.count == whole->count && !memcmp(cut.image, whole->image, whole->count)));
    free(cut.image);
}

/* A guess is final, and is a boundary that the scanner accepts. */
static void check_guess(struct body body)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    char again[MULTIPART_BOUNDARY_MAX + 1];
    enum multipart_guess guess = multipart_guess(body.bytes, body.size, boundary);
    for (size_t size = body.size; size > 0; size /= 2) {
        enum multipart_guess before = multipart_guess(body.bytes, size, again);
        property(before == MULTIPART_PERHAPS || before == guess);
        property(before != MULTIPART_PERHAPS || size < MULTIPART_HIDDEN_MAX);
    }
    if (guess != MULTIPART_YES)
        return;
    property(!memcmp(body.bytes, "--", 2));
    struct outcome out = run(boundary, body, "");
    property(!out.fault || !strstr(out.fault, "boundary"));
    free(out.image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    char *at = text;
    const char *type = input_line(&at);
    const char *sizes = input_line(&at);
    size_t head = (size_t)(at - text);
    struct body body = {(const char *)data + head, size - head};
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    check_guess(body);
    if (multipart_boundary(type, boundary)) {
        struct outcome whole = run(boundary, body, "");
        if (!whole.fault)
            check_image(boundary, body, &whole);
        check_same(&whole, run(boundary, body, "\1"));
        check_same(&whole, run(boundary, body, sizes));
        free(whole.image);
    }
    free(text);
    return 0;
}
