/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload to /upload/ says of its image. Each key is checked when it is set, wherever it
 * comes from. Values that Glance checks itself, such as the names of formats, are passed on. */
#include "intake/new_image.h"

#include "intake/memory.h"
#include "intake/suggest.h"
#include "intake/utf8.h"
#include "request/request_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char PROPERTY[] = "property.";

enum { WORD_MAX = 64, NUMBER_DIGITS_MAX = 9 };

/* Attributes that Glance has, and keys that a later Glance may read otherwise: none is a property.
 * `protected` would keep the image from being deleted after a failure. */
static const char *const NOT_PROPERTIES[] = {
    "checksum",     "container_format", "created_at",  "deleted",
    "deleted_at",   "direct_url",       "disk_format", "file",
    "id",           "is_public",        "location",    "locations",
    "members",      "min_disk",         "min_ram",     "name",
    "os_hash_algo", "os_hash_value",    "os_hidden",   "owner",
    "protected",    "schema",           "self",        "size",
    "status",       "stores",           "tags",        "updated_at",
    "virtual_size", "visibility",
};

__attribute__((format(printf, 2, 3))) static const char *explain(char fault[NEW_IMAGE_FAULT_MAX],
                                                                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, NEW_IMAGE_FAULT_MAX, format, arguments);
    va_end(arguments);
    return fault;
}

/* --- values ---------------------------------------------------------------------------------- */

/* The number of characters. -1: malformed UTF-8, or a character that is not printable. */
static int characters_of(const char *text)
{
    int count = 0;
    while (*text) {
        size_t length = utf8_printable(text);
        if (!length)
            return -1;
        text += length;
        count++;
    }
    return count;
}

static const char *text_fault(const char *key, const char *value, size_t max,
                              char fault[NEW_IMAGE_FAULT_MAX])
{
    int count = characters_of(value);
    if (count < 0)
        return explain(fault, "the value of %s is no printable text in UTF-8", key);
    if ((size_t)count > max)
        return explain(fault, "the value of %s has more than %zu characters", key, max);
    return NULL;
}

/* A key is given once. */
static const char *set_text(char **member, const char *key, const char *value, size_t max,
                            char fault[NEW_IMAGE_FAULT_MAX])
{
    const char *wrong = text_fault(key, value, max, fault);
    if (wrong)
        return wrong;
    if (*member)
        return explain(fault, "%s is given twice", key);
    *member = strdup(value);
    return *member ? NULL : NO_MEMORY;
}

/* The name of a format, as Glance's configuration can have it. */
static const char *set_word(char **member, const char *key, const char *value,
                            char fault[NEW_IMAGE_FAULT_MAX])
{
    for (const char *at = value; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            return explain(fault, "the value of %s may have letters, digits, - and _", key);
    return set_text(member, key, value, WORD_MAX, fault);
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits && !text[digits] && digits <= NUMBER_DIGITS_MAX;
}

/* --- one function a key ---------------------------------------------------------------------- */

typedef const char *set_key(struct new_image *image, const char *key, const char *value,
                            char fault[NEW_IMAGE_FAULT_MAX]);

static const char *set_name(struct new_image *image, const char *key, const char *value,
                            char fault[NEW_IMAGE_FAULT_MAX])
{
    return set_text(&image->name, key, value, NEW_IMAGE_NAME_MAX, fault);
}

static const char *set_disk_format(struct new_image *image, const char *key, const char *value,
                                   char fault[NEW_IMAGE_FAULT_MAX])
{
    return set_word(&image->disk_format, key, value, fault);
}

static const char *set_container_format(struct new_image *image, const char *key, const char *value,
                                        char fault[NEW_IMAGE_FAULT_MAX])
{
    return set_word(&image->container_format, key, value, fault);
}

static const char *set_visibility(struct new_image *image, const char *key, const char *value,
                                  char fault[NEW_IMAGE_FAULT_MAX])
{
    static const char *const known[] = {"private", "shared", "community", "public"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(value, known[i]))
            return set_text(&image->visibility, key, value, WORD_MAX, fault);
    return explain(fault, "visibility is private, shared, community or public");
}

static const char *set_min_disk(struct new_image *image, const char *key, const char *value,
                                char fault[NEW_IMAGE_FAULT_MAX])
{
    bool is_auto = !strcmp(value, "auto");
    if (image->min_disk_from != MIN_DISK_UNSET)
        return explain(fault, "%s is given twice", key);
    if (!is_auto && !is_number(value))
        return explain(fault, "min_disk is a number of GiB, or auto");
    image->min_disk_from = is_auto ? MIN_DISK_AUTO : MIN_DISK_GIVEN;
    image->min_disk = is_auto ? 0 : strtoull(value, NULL, 10);
    return NULL;
}

static const char *set_min_ram(struct new_image *image, const char *key, const char *value,
                               char fault[NEW_IMAGE_FAULT_MAX])
{
    if (!is_number(value))
        return explain(fault, "min_ram is a number of MiB");
    return set_text(&image->min_ram, key, value, NUMBER_DIGITS_MAX, fault);
}

static const char *set_project(struct new_image *image, const char *key, const char *value,
                               char fault[NEW_IMAGE_FAULT_MAX])
{
    return set_text(&image->project, key, value, NEW_IMAGE_NAME_MAX, fault);
}

static const char *set_domain(struct new_image *image, const char *key, const char *value,
                              char fault[NEW_IMAGE_FAULT_MAX])
{
    return set_text(&image->domain, key, value, NEW_IMAGE_NAME_MAX, fault);
}

static const char *add_tag(struct new_image *image, const char *key, const char *value,
                           char fault[NEW_IMAGE_FAULT_MAX])
{
    const char *wrong = text_fault(key, value, NEW_IMAGE_NAME_MAX, fault);
    if (wrong)
        return wrong;
    if (image->tag_count == NEW_IMAGE_TAGS_MAX)
        return explain(fault, "there are more than %d tags", NEW_IMAGE_TAGS_MAX);
    if (!image->tags && !(image->tags = calloc(NEW_IMAGE_TAGS_MAX, sizeof *image->tags)))
        return NO_MEMORY;
    image->tags[image->tag_count] = strdup(value);
    return image->tags[image->tag_count++] ? NULL : NO_MEMORY;
}

/* --- properties ------------------------------------------------------------------------------ */

static const char *property_fault(const struct new_image *image, const char *name,
                                  char fault[NEW_IMAGE_FAULT_MAX])
{
    int count = characters_of(name);
    if (count <= 0 || count > NEW_IMAGE_NAME_MAX)
        return explain(fault, "the name of a property has 1 to %d printable characters",
                       NEW_IMAGE_NAME_MAX);
    for (size_t i = 0; i < sizeof NOT_PROPERTIES / sizeof *NOT_PROPERTIES; i++)
        if (!strcasecmp(name, NOT_PROPERTIES[i]))
            return explain(fault, "%s is no property that can be set here", NOT_PROPERTIES[i]);
    headers_each(row, &image->properties)
        if (!strcmp(row->name, name))
            return explain(fault, "a property is given twice: %.64s", name);
    if (image->properties.count == NEW_IMAGE_PROPERTIES_MAX)
        return explain(fault, "there are more than %d properties", NEW_IMAGE_PROPERTIES_MAX);
    return NULL;
}

static const char *add_property(struct new_image *image, const char *name, const char *value,
                                char fault[NEW_IMAGE_FAULT_MAX])
{
    const char *wrong = property_fault(image, name, fault);
    if (!wrong)
        wrong = text_fault("a property", value, NEW_IMAGE_VALUE_MAX, fault);
    if (wrong)
        return wrong;
    return headers_add(&image->properties, name, value) ? NULL : NO_MEMORY;
}

/* --- the keys -------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    set_key *set;
} KEYS[] = {
    {"name", set_name},
    {"disk_format", set_disk_format},
    {"container_format", set_container_format},
    {"visibility", set_visibility},
    {"min_disk", set_min_disk},
    {"min_ram", set_min_ram},
    {"project", set_project},
    {"domain", set_domain},
    {"tag", add_tag},
};

enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

/* What the client sent is shown only if it is printable ASCII. */
static const char *unknown_key(const char *key, char fault[NEW_IMAGE_FAULT_MAX])
{
    const char *known[KEY_COUNT];
    for (size_t i = 0; i < KEY_COUNT; i++)
        known[i] = KEYS[i].key;
    const char *meant = suggest_word(key, known, KEY_COUNT);
    bool shown = *key && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789_.-")] == '\0';
    return explain(fault, "unknown key %.64s%s%s%s", shown ? key : "in its address or form",
                   meant ? "; did you mean " : "; a property of the image is property.NAME",
                   meant ? meant : "", meant ? "?" : "");
}

const char *new_image_set(struct new_image *image, const char *key, const char *value,
                          char fault[NEW_IMAGE_FAULT_MAX])
{
    if (!strncmp(key, PROPERTY, sizeof PROPERTY - 1))
        return add_property(image, key + sizeof PROPERTY - 1, value, fault);
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (!strcmp(key, KEYS[i].key))
            return *value ? KEYS[i].set(image, key, value, fault) : NULL;
    return unknown_key(key, fault);
}

void new_image_free(struct new_image *image)
{
    free(image->name);
    free(image->disk_format);
    free(image->container_format);
    free(image->visibility);
    free(image->project);
    free(image->domain);
    free(image->min_ram);
    for (size_t i = 0; i < image->tag_count; i++)
        free(image->tags[i]);
    free(image->tags);
    headers_free(&image->properties);
    *image = (struct new_image){0};
}
