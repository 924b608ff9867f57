/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the header fields that describe a form.
 *
 * Clients differ in the details: file names are sent with and without quoted-pairs, in UTF-8 or as
 * in RFC 8187. Only whether there is a file name decides anything. The name itself is used in
 * messages only, so the parser is lenient. */
#include "body/multipart_head.h"

#include "body/multipart.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *at;
    const char *end;
};

/* --- words ----------------------------------------------------------------------------- */

/* In a folded field (RFC 822) the line end is part of the white space. */
static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text trimmed(struct text text)
{
    while (text.at < text.end && blank(*text.at))
        text.at++;
    while (text.at < text.end && blank(text.end[-1]))
        text.end--;
    return text;
}

static bool text_is(struct text text, const char *wanted)
{
    size_t length = strlen(wanted);
    return (size_t)(text.end - text.at) == length && !strncasecmp(text.at, wanted, length);
}

static bool text_begins(struct text text, const char *wanted)
{
    size_t length = strlen(wanted);
    return (size_t)(text.end - text.at) >= length && !strncasecmp(text.at, wanted, length);
}

/* A backslash before any other character is part of a path, as old browsers send it. */
static bool quoted_pair(const char *at, const char *end)
{
    return end - at >= 2 && at[0] == '\\' && (at[1] == '"' || at[1] == '\\');
}

/* --- type; name=value; name="value" ---------------------------------------------------- */

/* Reads up to the next semicolon outside of quotes. False: nothing is left. */
static bool element_next(struct text *rest, struct text *element)
{
    if (rest->at == rest->end)
        return false;
    bool quoted = false;
    const char *at = rest->at;
    for (; at < rest->end && (quoted || *at != ';'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && quoted_pair(at, rest->end))
            at++;
    }
    *element = trimmed((struct text){rest->at, at});
    rest->at = at < rest->end ? at + 1 : at;
    return true;
}

/* Splits at "=". False: it is not a parameter. */
static bool parameter_split(struct text element, struct text *name, struct text *value)
{
    size_t length = (size_t)(element.end - element.at);
    const char *equals = length ? memchr(element.at, '=', length) : NULL;
    if (!equals)
        return false;
    *name = trimmed((struct text){element.at, equals});
    *value = trimmed((struct text){equals + 1, element.end});
    return true;
}

/* Copies the value without quotes and quoted-pairs, as much as fits. False: it does not fit, or a
 * quotation mark is missing. */
static bool value_read(struct text value, char *out, size_t size)
{
    bool quoted = value.at < value.end && *value.at == '"';
    size_t length = 0;
    const char *at = value.at + quoted;
    for (; at < value.end && !(quoted && *at == '"') && length + 1 < size; at++) {
        if (quoted && quoted_pair(at, value.end))
            at++;
        out[length++] = *at;
    }
    out[length] = '\0';
    return at + quoted == value.end;
}

/* --- the boundary ---------------------------------------------------------------------- */

bool multipart_boundary_valid(const char *boundary)
{
    size_t length = strlen(boundary);
    if (!length || length > MULTIPART_BOUNDARY_MAX || boundary[length - 1] == ' ')
        return false;
    for (const char *at = boundary; *at; at++)
        if (!isascii(*at) || !(isalnum((unsigned char)*at) || strchr("'()+_,-./:=? ", *at)))
            return false;
    return true;
}

static bool boundary_read(struct text value, char out[MULTIPART_BOUNDARY_MAX + 1])
{
    bool quoted = value.at < value.end && *value.at == '"';
    return value_read(value, out, MULTIPART_BOUNDARY_MAX + 1) && multipart_boundary_valid(out) &&
           (quoted || !strchr(out, ' '));
}

bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1])
{
    struct text rest = {content_type, content_type + strlen(content_type)};
    struct text element;
    struct text name;
    struct text value;
    size_t found = 0;
    if (!element_next(&rest, &element) || !text_is(element, "multipart/form-data"))
        return false;
    while (element_next(&rest, &element)) {
        if (!parameter_split(element, &name, &value) || !text_is(name, "boundary"))
            continue;
        if (!boundary_read(value, out))
            return false;
        found++;
    }
    return found == 1;
}

/* --- file names ------------------------------------------------------------------------ */

/* Replaces each UTF-8 character that is not printable ASCII by one '?'. */
static void printable_copy(const char *from, char *out)
{
    for (; *from; from++) {
        bool continued = (*from & 0xc0) == 0x80;
        bool printable = *from >= ' ' && *from <= '~';
        if (printable)
            *out++ = *from;
        else if (!continued)
            *out++ = '?';
    }
    *out = '\0';
}

/* Decodes "%XX" in place. */
static void percents_decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++, out++) {
        *out = *at;
        if (*at == '%' && strspn(at + 1, "0123456789ABCDEFabcdef") >= 2) {
            sscanf(at + 1, "%2hhx", (unsigned char *)out);
            at += 2;
        }
    }
    *out = '\0';
}

/* charset'language'name (RFC 8187). */
static char *extended_name(char *value)
{
    char *quote = strchr(value, '\'');
    quote = quote ? strchr(quote + 1, '\'') : NULL;
    char *name = quote ? quote + 1 : value;
    percents_decode(name);
    return name;
}

/* --- the head of a part ---------------------------------------------------------------- */

/* The state of reading one head. */
struct reading {
    struct multipart_head *head;
    bool nested;
    bool encoded;
};

static void read_parameter(struct reading *reading, struct text name, struct text value)
{
    char text[MULTIPART_FILENAME_MAX + 1] = "";
    bool extended = text_is(name, "filename*");
    if (text_is(name, "name"))
        value_read(value, reading->head->name, sizeof reading->head->name);
    if (!extended && !text_is(name, "filename"))
        return;
    reading->head->file = true;
    if (extended && *reading->head->filename)
        return;
    value_read(value, text, sizeof text);
    const char *sent = extended ? extended_name(text) : text;
    printable_copy(sent, reading->head->filename);
    snprintf(reading->head->sent_filename, sizeof reading->head->sent_filename, "%s", sent);
}

/* curl -F sends "attachment" if a Content-Type was set by hand. */
static void read_disposition(struct reading *reading, struct text value)
{
    struct text element;
    struct text name;
    if (!element_next(&value, &element) ||
        !(text_is(element, "form-data") || text_is(element, "attachment")))
        return;
    reading->head->form_data = true;
    while (element_next(&value, &element)) {
        struct text parameter;
        if (parameter_split(element, &name, &parameter))
            read_parameter(reading, name, parameter);
    }
}

static void read_type(struct reading *reading, struct text value)
{
    reading->nested |= text_begins(value, "multipart/");
}

/* Only these three encodings do not change the bytes (RFC 2045 6.2). */
static void read_encoding(struct reading *reading, struct text value)
{
    reading->encoded |=
        !text_is(value, "binary") && !text_is(value, "8bit") && !text_is(value, "7bit");
}

static const struct {
    const char *name;
    void (*read)(struct reading *reading, struct text value);
} FIELDS[] = {
    {"Content-Disposition", read_disposition},
    {"Content-Type", read_type},
    {"Content-Transfer-Encoding", read_encoding},
};

/* Reads a line together with its continuation lines. */
static struct text line_next(struct text *rest)
{
    struct text line = *rest;
    const char *end = line.at;
    do {
        end = memmem(end, (size_t)(line.end - end), "\r\n", 2);
        end = end ? end + 2 : line.end;
    } while (end < line.end && (*end == ' ' || *end == '\t'));
    rest->at = end;
    line.end = end;
    return line;
}

static bool line_read(struct reading *reading, struct text line)
{
    const char *colon = memchr(line.at, ':', (size_t)(line.end - line.at));
    if (!colon)
        return false;
    struct text name = trimmed((struct text){line.at, colon});
    struct text value = trimmed((struct text){colon + 1, line.end});
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (text_is(name, FIELDS[i].name))
            FIELDS[i].read(reading, value);
    return true;
}

const char *multipart_head_read(const char *bytes, size_t count, struct multipart_head *out)
{
    struct reading reading = {.head = out};
    struct text rest = {bytes, bytes + count};
    *out = (struct multipart_head){0};
    while (rest.at < rest.end)
        if (!line_read(&reading, line_next(&rest)))
            return "the head of one of its parts has a line that is no header field";
    if (!out->form_data)
        return "one of its parts has no Content-Disposition: form-data";
    if (reading.nested)
        return "one of its parts is a multipart of its own";
    if (out->file && reading.encoded)
        return "its file has a Content-Transfer-Encoding, and must be sent as it is";
    return NULL;
}
