/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text safe to print: valid UTF-8 without control or deceptive characters. */
#include "intake/utf8.h"

#include "intake/buffer.h"

#include <string.h>

/* One row per line of the table "Well-Formed UTF-8 Byte Sequences" (Unicode 15, table 3-7):
 * the lead byte decides the length and the range of the second byte. */
static const struct lead {
    unsigned char from, to;
    unsigned char length;
    unsigned char second_from, second_to;
} LEADS[] = {
    {0xC2, 0xC2, 2, 0xA0, 0xBF}, /* from U+00A0: U+0080..U+009F are controls */
    {0xC3, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, /* no overlong forms */
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, /* no surrogates */
    {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F}, /* up to U+10FFFF */
};

static bool follows(const struct lead *lead, const unsigned char *bytes)
{
    if (bytes[1] < lead->second_from || bytes[1] > lead->second_to)
        return false;
    for (size_t i = 2; i < lead->length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return false;
    return true;
}

/* Invisible characters that change how the text around them is shown: they end a line, change the
 * writing direction, or are marks such as U+FEFF and the tags. */
static bool is_deceptive(unsigned long character)
{
    static const struct {
        unsigned long from, to;
    } rows[] = {{0x061C, 0x061C}, {0x180E, 0x180E}, {0x200B, 0x200B},
                {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (character >= rows[i].from && character <= rows[i].to)
            return true;
    return false;
}

/* The code point of a well-formed character of two or more bytes. */
static unsigned long code_point_of(const unsigned char *bytes, size_t length)
{
    unsigned long number = bytes[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++)
        number = number << 6 | (bytes[i] & 0x3FU);
    return number;
}

static size_t printable_length(const struct lead *lead, const unsigned char *bytes)
{
    bool good = follows(lead, bytes) && !is_deceptive(code_point_of(bytes, lead->length));
    return good ? lead->length : 0;
}

size_t utf8_printable(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80)
        return bytes[0] >= 0x20 && bytes[0] != 0x7F;
    for (size_t i = 0; i < sizeof LEADS / sizeof *LEADS; i++)
        if (bytes[0] >= LEADS[i].from && bytes[0] <= LEADS[i].to)
            return printable_length(&LEADS[i], bytes);
    return 0;
}

bool utf8_clean(const char *text, struct buffer *out)
{
    bool fits = true;
    while (*text && fits) {
        size_t length = utf8_printable(text);
        fits = length ? buffer_append(out, text, length) : buffer_append(out, "\xEF\xBF\xBD", 3);
        text += length ? length : 1;
    }
    return fits;
}

static void show_byte(unsigned char byte, FILE *out)
{
    if (byte == '\n')
        fputs("\\n", out);
    else
        fprintf(out, "\\x%02x", byte);
}

void utf8_show(const char *text, const char *keep, FILE *out)
{
    while (*text) {
        size_t length = strchr(keep, *text) ? 1 : utf8_printable(text);
        if (length)
            fwrite(text, 1, length, out);
        else
            show_byte((unsigned char)*text, out);
        text += length ? length : 1;
    }
}
