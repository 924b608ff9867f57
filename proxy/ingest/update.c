/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out whether an update changes locations. It decodes the pointers as Glance does: removes
 * all leading slashes, splits at slashes, decodes ~1 and ~0, and strips the blanks around each part
 * (glance/api/v2/images.py, _decode_json_pointer). ~0 and ~1 never become letters, so a name of
 * letters is compared without decoding them. */
#include "intake/ingest.h"

#include "ingest/ingest_priv.h"

#include <string.h>

/* The characters that Python's str.strip() removes, in UTF-8. */
static const char *const BLANKS[] = {
    "\t",           "\n",           "\v",           "\f",           "\r",
    "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

/* The length of a blank at the beginning of `text`, or at its end. 0: none. */
static size_t blank_of(const char *text, size_t length, bool at_end)
{
    for (size_t i = 0; i < sizeof BLANKS / sizeof *BLANKS; i++) {
        size_t count = strlen(BLANKS[i]);
        const char *where = at_end ? text + length - count : text;
        if (count <= length && memcmp(where, BLANKS[i], count) == 0)
            return count;
    }
    return 0;
}

/* A NUL ends the text. It cannot hide the part before it. */
static const char *first_part(const char *pointer, size_t *length)
{
    const char *part = pointer + strspn(pointer, "/");
    *length = strcspn(part, "/");
    for (size_t count; (count = blank_of(part, *length, false)); part += count)
        *length -= count;
    for (size_t count; (count = blank_of(part, *length, true));)
        *length -= count;
    return part;
}

static bool points_to_locations(const json_t *pointer)
{
    static const char name[] = "locations";
    const char *text = json_string_value(pointer);
    if (!text)
        return false;
    size_t length;
    const char *part = first_part(text, &length);
    return length == strlen(name) && memcmp(part, name, length) == 0;
}

/* Checks both dialects: the pointer is in "path", or in a key with the name of the operation. */
static bool changes_locations(const json_t *change)
{
    static const char *const pointers[] = {"path", "add", "replace", "remove"};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        if (points_to_locations(json_object_get(change, pointers[i])))
            return true;
    return false;
}

/* JSON that is not a list of changes is accepted here, because Glance refuses it. */
const char *update_read(const char *text, size_t length, bool *locations)
{
    const char *fault = NULL;
    json_t *changes = ingest_load(text, length, &fault);
    *locations = false;
    for (size_t i = 0; i < json_array_size(changes); i++)
        *locations |= changes_locations(json_array_get(changes, i));
    json_decref(changes);
    return fault;
}
