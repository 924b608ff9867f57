/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces $NAME and ${NAME} in a value with variables of the environment. $$ is a literal $, as in
 * oslo.config. */
#include "config/config_priv.h"
#include "intake/buffer.h"

#include <stdlib.h>
#include <string.h>

/* The length of a name (POSIX 8.1, XBD): letters, digits and underscores, no digit first. */
static size_t name_length(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    if (!*text || !strchr(letters, *text))
        return 0;
    size_t length = strspn(text, letters);
    while (text[length] && strchr("0123456789", text[length]))
        length += 1 + strspn(text + length + 1, letters);
    return length;
}

/* A line feed would begin another line in the output of --print-config. */
static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return true;
    return false;
}

static bool append_variable(const char *start, size_t length, struct buffer *out,
                            struct buffer *why)
{
    char *name = strndup(start, length);
    const char *value = name ? getenv(name) : NULL;
    bool good = value && !has_control(value) && buffer_append(out, value, strlen(value));
    if (!name)
        buffer_print(why, "no memory");
    else if (!value)
        buffer_print(why, "the environment has no variable %.80s", name);
    else if (has_control(value))
        buffer_print(why, "the variable %.80s has a control character in it", name);
    else if (!good)
        buffer_print(why, "the variable %.80s makes the value too long", name);
    free(name);
    return good;
}

/* Appends what the $ at `*cursor` stands for, and moves past it. */
static bool expand_one(const char **cursor, struct buffer *out, struct buffer *why)
{
    const char *start = *cursor + 1;
    if (*start == '$') {
        *cursor = start + 1;
        return buffer_append(out, "$", 1);
    }
    bool braced = *start == '{';
    start += braced;
    size_t length = name_length(start);
    if (length == 0 || (braced && start[length] != '}')) {
        buffer_print(why, "a $ begins $NAME or ${NAME}, a variable of the environment; for a "
                          "plain $ write $$");
        return false;
    }
    *cursor = start + length + braced;
    return append_variable(start, length, out, why);
}

bool environment_expand(const char *text, struct buffer *out, struct buffer *why)
{
    while (*text) {
        size_t plain = strcspn(text, "$");
        if (!buffer_append(out, text, plain)) {
            buffer_print(why, "the value is too long");
            return false;
        }
        text += plain;
        if (*text && !expand_one(&text, out, why))
            return false;
    }
    return true;
}

void environment_escape(const char *text, struct buffer *out)
{
    while (*text) {
        size_t plain = strcspn(text, "$");
        buffer_append(out, text, plain);
        text += plain;
        if (*text) {
            buffer_append(out, "$$", 2);
            text++;
        }
    }
}
