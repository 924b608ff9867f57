/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises text: an error page that was downloaded instead of the image, or the path of the file
 * instead of the file, as from the "raw" tab of Postman or from curl --data-raw @FILE. */
#include "format/format_priv.h"

#include "intake/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { SAMPLE = 512 };

/* The length of the beginning that has only printable characters and white space. */
static size_t printable_length(const char *text)
{
    size_t length = 0;
    for (;;) {
        size_t more = utf8_printable(text + length);
        if (!more && text[length] && strchr("\t\r\n\f", text[length]))
            more = 1;
        if (!more)
            return length;
        length += more;
    }
}

bool text_is_plain(const struct view *opening)
{
    enum { CUT_MAX = 3 /* bytes of an incomplete character at the end of the sample */ };
    char text[SAMPLE + 1];
    size_t count = opening->count < SAMPLE ? opening->count : SAMPLE;
    memcpy(text, opening->bytes, count);
    text[count] = '\0';
    size_t length = printable_length(text);
    return count && (length == count || (count == SAMPLE && length + CUT_MAX >= count));
}

/* True: the text begins with the word, after white space, in upper or lower case. */
static bool begins(const struct view *opening, const char *word)
{
    size_t at = 0;
    while (at < opening->count && isspace(opening->bytes[at]))
        at++;
    return view_has(opening, at, strlen(word)) &&
           !strncasecmp((const char *)opening->bytes + at, word, strlen(word));
}

bool text_is_html(const struct view *opening)
{
    return text_is_plain(opening) &&
           (begins(opening, "<!doctype html") || begins(opening, "<html"));
}

bool text_is_xml(const struct view *opening)
{
    return text_is_plain(opening) && begins(opening, "<?xml");
}

bool text_is_json(const struct view *opening)
{
    return text_is_plain(opening) && (begins(opening, "{") || begins(opening, "["));
}

bool text_is_lfs_pointer(const struct view *opening)
{
    return text_is_plain(opening) && begins(opening, "version https://git-lfs.github.com/spec/");
}

/* "DIGEST  NAME", or "SHA256 (NAME) = DIGEST". */
bool text_is_checksums(const struct view *opening)
{
    enum { MD5 = 32, SHA512 = 128 };
    size_t digits = 0;
    while (digits < opening->count && isxdigit(opening->bytes[digits]))
        digits++;
    bool first = digits >= MD5 && digits <= SHA512 && digits % 8 == 0 &&
                 (view_is(opening, digits, "  ", 2) || view_is(opening, digits, " *", 2));
    return text_is_plain(opening) && (first || begins(opening, "SHA256 (") ||
                                      begins(opening, "SHA512 (") || begins(opening, "MD5 ("));
}

/* --- paths ----------------------------------------------------------------------------- */

static bool has_prefix(const char *text)
{
    static const char *const prefixes[] = {"/", "~/", "./", "../", "\\\\", ".\\", "file:"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncasecmp(text, prefixes[i], strlen(prefixes[i])))
            return true;
    return isalpha((unsigned char)text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/');
}

static bool has_suffix(const char *text)
{
    static const char *const suffixes[] = {
        ".img", ".qcow2", ".qcow", ".raw", ".iso", ".vmdk", ".vhd", ".vhdx", ".vdi", ".ova",
        ".hdd", ".bin",   ".gz",   ".bz2", ".xz",  ".zst",  ".zip", ".tar",  ".dsk", ".image",
    };
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && !strcasecmp(text + length - suffix, suffixes[i]))
            return true;
    }
    return false;
}

/* Windows copies a path with quotes around it. With --data-raw, curl sends the "@" as it is. */
static char *strip_wrapping(char *text)
{
    static const char around[] = " \t\r\n\"'";
    text += strspn(text, around);
    for (size_t end = strlen(text); end && strchr(around, text[end - 1]); end--)
        text[end - 1] = '\0';
    return text + (*text == '@');
}

bool text_is_path(const struct view *body, char path[TEXT_PATH_MAX + 1])
{
    char text[TEXT_PATH_MAX + 1];
    if (!body->count || body->count > TEXT_PATH_MAX)
        return false;
    memcpy(text, body->bytes, body->count);
    text[body->count] = '\0';
    if (printable_length(text) != body->count)
        return false;
    char *line = strip_wrapping(text);
    bool wrapped = line > text && line[-1] == '@';
    if (!*line || strpbrk(line, "\r\n\t\f") || (!wrapped && !has_prefix(line) && !has_suffix(line)))
        return false;
    memcpy(path, line, strlen(line) + 1);
    return true;
}
