/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the API version from Accept. Glance takes the version from Accept if Accept begins with
 * Glance's own media type; the path then has no version. Before that, eventlet joins repeated
 * fields with a comma, and WebOb normalises the list: it drops empty elements, blanks, and q=1. If
 * WebOb finds the list malformed, the path decides. Copying these rules exactly would tie this
 * program to one version of WebOb. It is enough to know when the result is certain. */
#include "intake/headers.h"

#include "request/request_priv.h"

#include <string.h>

static const char MEDIA_TYPE[] = "application/vnd.openstack.images-";

bool version_is_2(struct span version)
{
    if (version.length < 2 || memcmp(version.text, "v2", 2) != 0)
        return false;
    if (version.length == 2)
        return true;
    size_t digits = 0;
    for (size_t i = 3; i < version.length; i++)
        digits += version.text[i] >= '0' && version.text[i] <= '9';
    return version.text[2] == '.' && digits > 0 && digits == version.length - 3;
}

/* Reads the version after the prefix of the media type, without parameters. False: another media
 * type. */
static bool version_after_prefix(struct span element, struct span *version)
{
    size_t prefix = sizeof MEDIA_TYPE - 1;
    if (element.length < prefix || memcmp(element.text, MEDIA_TYPE, prefix) != 0)
        return false;
    const char *begin = element.text + prefix;
    size_t remaining = element.length - prefix;
    size_t length = 0;
    while (length < remaining && unreserved(begin[length]))
        length++;
    *version = (struct span){begin, length};
    return true;
}

/* Whether the text is "" or a weight without effect: OWS ";" OWS "q=1", with zeros. */
static bool weight_is_one(const char *at, const char *end)
{
    static const struct {
        const char *set;
        bool needed;
    } order[] = {{" \t", false}, {";", true}, {" \t", false}, {"qQ", true},
                 {"=", true},    {"1", true}, {".", false},   {"0", false}};
    if (at == end)
        return true;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const char *begin = at;
        while (at < end && strchr(order[i].set, *at))
            at++;
        if (order[i].needed && at == begin)
            return false;
    }
    return at == end;
}

struct accept_version accept_version_find(const struct headers *headers)
{
    struct accept_version found = {0};
    struct span first = {0};
    const char *whole = NULL;
    size_t fields = 0;
    size_t elements = 0;
    headers_each(row, headers) {
        if (!header_name_is(row->name, "Accept"))
            continue;
        fields++;
        whole = row->value;
        struct span element;
        for (const char *at = whole; list_next(&at, ',', &element);)
            if (element.length && !elements++)
                first = element;
    }
    struct span version;
    found.named = elements && version_after_prefix(first, &version);
    if (found.named) {
        const char *end = version.text + version.length;
        found.v2 =
            elements == 1 && version_is_2(version) && weight_is_one(end, first.text + first.length);
        found.certain = fields == 1 && first.text == whole && !*end;
    }
    return found;
}
