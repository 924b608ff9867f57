/* SPDX-License-Identifier: Apache-2.0 */
#include "body/decoded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) (text), sizeof(text) - 1
#define BAD         "\xEF\xBF\xBD"

static const struct {
    const char *bytes;
    size_t count;
    const char *damage; /* a part of it; NULL: none */
} ROWS[] = {
    {BYTES(""), NULL},
    {BYTES("QFI" BAD "\0\0\0\3" BAD "\0" BAD "a" BAD "\0"), "U+FFFD"},
    {BYTES("QFI\xFB\0\0\0\3" BAD "\0" BAD "a" BAD "\0" BAD "\0"), NULL}, /* no UTF-8 */
    {BYTES("a" BAD "b" BAD "c" BAD "d" BAD "e\0"), NULL},                /* in a text */
    {BYTES(BAD "\0" BAD "\0" BAD "\0"), NULL},                           /* too few */
    {BYTES("\1" BAD "\1" BAD "\1" BAD "\1" BAD "\1"), NULL},             /* without NUL */
    {BYTES("QFI\xC3\xBB\0\xC2\x80\xC2\x9F\xC2\x85\xC2\x90\0"), "Latin-1"},
    {BYTES("QFI" BAD "\0\0\0\3"), "U+FFFD"},
    {BYTES("QFI\xC3\xBB\0\0\0\3"), "Latin-1"},
    {BYTES("caf\xC3\xA9 \xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F \xC2\xAB \xC2\xBB\0"), NULL}, /* a text */
    {BYTES("\xC2\x80\xC2\x9F\xC2\x85\xC2\x90 \xE2\x82\xAC\0"), NULL},
    {BYTES("\0" BAD "\0" BAD "\0" BAD "\0" BAD "\0\xEF\xBF"), "U+FFFD"}, /* the last is cut */
    {BYTES("\0" BAD "\0" BAD "\0" BAD "\0" BAD "\0\xEF\xBF"
           "abc"),
     NULL},
    {BYTES("\0" BAD "\0" BAD "\0" BAD "\0" BAD "\0\xC0\x80"
           "abc"),
     NULL}, /* not the shortest */
};

static void encoded_text_is_recognized(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const char *damage = decoded_as_text(ROWS[i].bytes, ROWS[i].count);
        if (ROWS[i].damage ? !damage || !strstr(damage, ROWS[i].damage) : damage != NULL)
            fail_msg("row %zu: %s", i, damage ? damage : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_text_is_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
