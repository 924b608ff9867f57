/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises an image that a program has decoded as text and encoded as UTF-8 again:
 *
 *     read as UTF-8     what is not UTF-8 becomes U+FFFD (EF BF BD)
 *     read as Latin-1   each byte from 0x80 on becomes a pair, C2 80 to C3 BF
 *
 * In both cases the result is valid UTF-8. Real text is valid UTF-8, too, such as the descriptor of
 * an OVA with names in any language. But real text has neither U+FFFD next to control characters
 * nor the controls U+0080 to U+009F. A decoded image has many of them. */
#include "body/decoded.h"

#include <stdbool.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD, LATIN_1_MAX = 0xFF, C1_MIN = 0x80, C1_MAX = 0x9F };
enum { COUNT_MIN = 4, NEAR_CONTROL_MIN = 2 };

struct census {
    size_t replaced;              /* U+FFFD */
    size_t replaced_near_control; /* U+FFFD next to a control character */
    size_t c1;                    /* U+0080 to U+009F */
    size_t others;                /* beyond Latin-1, but not U+FFFD */
    bool nul;
};

/* The length of the character in bytes. 0: it is not well-formed. */
static size_t decode(const unsigned char *at, size_t left, unsigned *character)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80   ? 1
                    : *at < 0xC2 ? 0
                    : *at < 0xE0 ? 2
                    : *at < 0xF0 ? 3
                    : *at < 0xF5 ? 4
                                 : 0;
    if (!length || length > left)
        return 0;
    *character = length == 1 ? *at : *at & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        *character = *character << 6 | (at[i] & 0x3FU);
    }
    return *character < least[length] || *character > 0x10FFFF ? 0 : length;
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
}

static void count_character(struct census *census, const unsigned char *opening, size_t count,
                            size_t at, size_t length, unsigned character)
{
    bool near_control = (at > 0 && is_control(opening[at - 1])) ||
                        (at + length < count && is_control(opening[at + length]));
    census->nul |= character == 0;
    census->replaced += character == REPLACEMENT;
    census->replaced_near_control += character == REPLACEMENT && near_control;
    census->c1 += character >= C1_MIN && character <= C1_MAX;
    census->others += character > LATIN_1_MAX && character != REPLACEMENT;
}

/* False: this is not UTF-8. The last character may be incomplete. */
static bool take_census(const unsigned char *opening, size_t count, struct census *census)
{
    enum { CUT_MAX = 3 };
    for (size_t at = 0; at < count;) {
        unsigned character;
        size_t length = decode(opening + at, count - at, &character);
        if (!length)
            return count - at <= CUT_MAX;
        count_character(census, opening, count, at, length, character);
        at += length;
    }
    return true;
}

/* Looks for magic numbers as they are after decoding. If all other bytes are zeros, nothing else
 * shows what happened. */
static bool has_mark(const char *bytes, size_t count, bool latin_1)
{
    static const struct {
        size_t at;
        const char *replaced, *latin_1;
    } marks[] = {
        {0, "QFI\xEF\xBF\xBD", "QFI\xC3\xBB"},
        {64, "\x7F\x10\xEF\xBF\xBD", "\x7F\x10\xC3\x9A\xC2\xBE"}, /* VDI */
        {0, "LUKS\xEF\xBF\xBD", "LUKS\xC2\xBA\xC2\xBE"},
        {0, "\x1F\xEF\xBF\xBD\x08", "\x1F\xC2\x8B\x08"}, /* gzip */
        {0,
         "\xEF\xBF\xBD"
         "7zXZ",
         "\xC3\xBD"
         "7zXZ"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *mark = latin_1 ? marks[i].latin_1 : marks[i].replaced;
        size_t length = strlen(mark);
        if (marks[i].at + length <= count && !memcmp(bytes + marks[i].at, mark, length))
            return true;
    }
    return false;
}

const char *decoded_as_text(const void *opening, size_t count)
{
    struct census census = {0};
    if (!take_census(opening, count, &census) || !census.nul)
        return NULL;
    if ((census.replaced >= COUNT_MIN && census.replaced_near_control >= NEAR_CONTROL_MIN) ||
        has_mark(opening, count, false))
        return "a program has read it as text in UTF-8 and put U+FFFD for every byte that is "
               "none, so it has to read and send the file as bytes";
    if ((census.c1 >= COUNT_MIN && !census.others && !census.replaced) ||
        has_mark(opening, count, true))
        return "a program has read it as text in Latin-1 and made two bytes of every byte from "
               "0x80 on, so it has to read and send the file as bytes";
    return NULL;
}
