/* SPDX-License-Identifier: Apache-2.0 */
/* Where an upload to /upload/ says something of its image: the path with its query, the name of the
 * file, and header fields. */
#include "intake/memory.h"
#include "intake/new_image.h"
#include "request/request_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char ROOT[] = "/upload";
static const char PAGE[] = "/upload/page/image/"; /* no name has a slash */
static const char PROPERTY_FIELD[] = "X-Image-Meta-Property-";

enum { KEY_MAX = 1024 }; /* bytes: a property's name of 255 characters, and the prefix */

/* --- the name of a file ---------------------------------------------------------------------- */

static const char *const PACKED[] = {".tar.xz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tgz",
                                     ".txz",    ".xz",     ".gz",      ".zst",     ".bz2"};
static const char *const DISKS[] = {".qcow2", ".qcow", ".raw", ".img", ".vmdk", ".vhd",
                                    ".vhdx",  ".vdi",  ".iso", ".ova", ".hds",  ".qed"};

/* The length without an extension of the list. A name that is nothing else is kept. */
static size_t without(const char *name, size_t length, const char *const *extensions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(extensions[i]);
        if (length > size && !strncasecmp(name + length - size, extensions[i], size))
            return length - size;
    }
    return length;
}

const char *new_image_name_file(struct new_image *image, const char *file,
                                char fault[NEW_IMAGE_FAULT_MAX])
{
    const char *slash = strrchr(file, '/');
    const char *backslash = strrchr(file, '\\'); /* old browsers send the whole path */
    const char *name = slash > backslash ? slash + 1 : backslash ? backslash + 1 : file;
    if (image->name || !*name)
        return NULL;
    size_t length = without(name, strlen(name), PACKED, sizeof PACKED / sizeof *PACKED);
    length = without(name, length, DISKS, sizeof DISKS / sizeof *DISKS);
    char *cut = strndup(name, length);
    const char *wrong = cut ? new_image_set(image, "name", cut, fault) : NO_MEMORY;
    free(cut);
    return wrong;
}

/* --- the target ------------------------------------------------------------------------------ */

/* Decodes a part of the query in place. NULL: malformed. */
static char *decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        int byte = *at == '+' ? ' ' : (unsigned char)*at;
        if (*at == '%') {
            byte = percent_decoded(at);
            if (byte <= 0)
                return NULL;
            at += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return text;
}

static const char *set_pair(struct new_image *image, char *pair, char fault[NEW_IMAGE_FAULT_MAX])
{
    char *equals = strchr(pair, '=');
    if (equals)
        *equals = '\0';
    char *key = decode(pair);
    char *value = equals ? decode(equals + 1) : "";
    if (!key || !value)
        return "the query has malformed percent-encoding";
    return new_image_set(image, key, value, fault);
}

static const char *read_query(struct new_image *image, const char *query,
                              char fault[NEW_IMAGE_FAULT_MAX])
{
    char *copy = strdup(query), *rest = copy, *pair;
    const char *wrong = copy ? NULL : NO_MEMORY;
    while (!wrong && (pair = strsep(&rest, "&")))
        if (*pair)
            wrong = set_pair(image, pair, fault);
    free(copy);
    return wrong;
}

const char *new_image_read_target(struct new_image *image, const char *path, const char *query,
                                  char fault[NEW_IMAGE_FAULT_MAX])
{
    bool of_page = !strncmp(path, PAGE, strlen(PAGE));
    const char *name = path + strlen(of_page ? PAGE : ROOT);
    name += *name == '/';
    if (strchr(name, '/'))
        return "the name of the image has a slash in the path; ?name= can have one";
    const char *wrong = new_image_name_file(image, name, fault);
    return wrong || !query ? wrong : read_query(image, query, fault);
}

/* --- header fields --------------------------------------------------------------------------- */

/* Without a case in the names of fields there is one spelling for the names of properties. */
static bool property_key(const char *field, char key[KEY_MAX])
{
    int length = snprintf(key, KEY_MAX, "property.%s", field);
    for (char *at = key; *at; at++)
        *at = (char)(*at == '-' ? '_' : tolower((unsigned char)*at));
    return length < KEY_MAX;
}

const char *new_image_read_headers(struct new_image *image, const struct headers *headers,
                                   char fault[NEW_IMAGE_FAULT_MAX])
{
    char key[KEY_MAX];
    const char *wrong = NULL;
    headers_each(row, headers) {
        if (wrong || strncasecmp(row->name, PROPERTY_FIELD, sizeof PROPERTY_FIELD - 1) != 0)
            continue;
        wrong = property_key(row->name + sizeof PROPERTY_FIELD - 1, key)
                    ? new_image_set(image, key, row->value, fault)
                    : "the name of a property is too long";
    }
    return wrong;
}
