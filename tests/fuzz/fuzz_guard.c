/* SPDX-License-Identifier: Apache-2.0 */
/* A line whose bytes are the sizes of pieces, then what a client sends. Split like that, whole, or
 * byte by byte, the same bytes must pass, and the same fault must stop them. What passes must pass
 * again, and its head must not be ambiguous. */
#include "input.h"

#include "listener/guard.h"

#include <stdlib.h>
#include <string.h>

struct outcome {
    char *kept;
    size_t count;
    struct guard guard;
};

static char *allocate(size_t size)
{
    char *bytes = malloc(size + !size);
    if (!bytes)
        abort();
    return bytes;
}

/* One piece, in memory that ends with it. */
static void judge(struct outcome *out, const char *bytes, size_t count)
{
    char *piece = allocate(count);
    memcpy(piece, bytes, count);
    bool stopped = out->guard.fault != NULL;
    size_t kept = guard_judge(&out->guard, piece, count);
    property(kept <= count && (!stopped || !kept));
    memcpy(out->kept + out->count, piece, kept);
    out->count += kept;
    free(piece);
}

/* The sizes in turn, and again; none: all is one piece. */
static struct outcome run(const char *bytes, size_t count, const char *sizes)
{
    struct outcome out = {.kept = allocate(count)};
    const char *next = sizes;
    for (size_t at = 0; at < count;) {
        if (!*next)
            next = sizes;
        size_t piece = *next ? (unsigned char)*next++ : count;
        if (piece > count - at)
            piece = count - at;
        judge(&out, bytes + at, piece);
        at += piece;
    }
    property(!out.guard.fault == !out.guard.refusal);
    return out;
}

/* A head that is too long together with the bytes read with it may fit with fewer. */
static bool comparable(const struct outcome *a, const struct outcome *b)
{
    return a->guard.refusal != REFUSAL_HEAD_TOO_LONG && b->guard.refusal != REFUSAL_HEAD_TOO_LONG;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    if (!comparable(a, b))
        return;
    property(a->count == b->count && !memcmp(a->kept, b->kept, a->count));
    property(a->guard.refusal == b->guard.refusal && a->guard.heads == b->guard.heads);
    property(guard_in_head(&a->guard) == guard_in_head(&b->guard));
}

static void check_head(const struct outcome *out)
{
    for (size_t at = 0; at < out->count; at++) {
        unsigned char byte = (unsigned char)out->kept[at];
        property(byte >= ' ' || strchr("\t\r\n", byte));
        property(byte && byte != 0x7f);
        property(byte != '\n' || (at && out->kept[at - 1] == '\r'));
        property(!at || out->kept[at - 1] != '\r' || byte == '\n');
        property(at < 2 || out->kept[at - 1] != '\n' || (byte != ' ' && byte != '\t'));
        if (byte == '\n' && at >= 3 && out->kept[at - 2] == '\n')
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    char *at = text;
    const char *sizes = input_line(&at);
    size_t used = (size_t)(at - text);
    const char *bytes = (const char *)data + (used < size ? used : size);
    size_t count = size - (used < size ? used : size);

    struct outcome whole = run(bytes, count, "");
    struct outcome cut = run(bytes, count, sizes);
    struct outcome single = run(bytes, count, "\x01");
    check_same(&whole, &cut);
    check_same(&cut, &single);
    check_head(&single);
    struct outcome again = run(single.kept, single.count, "\x01");
    property(again.count == single.count && !again.guard.fault);
    free(whole.kept);
    free(cut.kept);
    free(single.kept);
    free(again.kept);
    free(text);
    return 0;
}
