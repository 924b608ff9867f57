/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Glance's JSON of an image. */
#include "intake/image.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* jansson limits the depth to 2048 levels (JSON_PARSER_MAX_DEPTH). Glance's answers need 3 at most.
 */
static json_t *object_load(const char *json, size_t length, bool *no_memory)
{
    json_error_t error;
    json_t *object = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(object))
        return object;
    *no_memory = !object && json_error_code(&error) == json_error_out_of_memory;
    json_decref(object);
    return NULL;
}

/* Copies a string. `out` is NULL if the value is null, has another type, or is missing. False: no
 * memory. */
static bool string_take(const json_t *object, const char *key, char **out)
{
    const char *value = json_string_value(json_object_get(object, key));
    *out = value ? strdup(value) : NULL;
    return !value || *out;
}

static void size_take(const json_t *object, struct image *image)
{
    const json_t *value = json_object_get(object, "size");
    json_int_t size = json_integer_value(value);
    image->size_known = json_is_integer(value) && size >= 0;
    image->size = image->size_known ? (uint64_t)size : 0;
}

static bool is_set(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value);
}

/* The first of `names` that the text begins with, or NULL. */
static const char *beginning(const char *text, const char *const *names)
{
    while (*names && (!text || strncasecmp(text, *names, strlen(*names)) != 0))
        names++;
    return *names;
}

/* Nova reads hypervisor_type and img_hv_type. The other properties are each for one hypervisor. */
static const char *hypervisor_of(json_t *object)
{
    static const char *const names[] = {"vmware", "xen", "hyperv", NULL};
    static const char *const prefixes[] = {"vmware_", "xenapi_", "hyperv_", NULL}; /* as `names` */
    static const char *const keys[] = {"hypervisor_type", "img_hv_type", "hw_vm_mode", "vm_mode"};
    const char *key;
    json_t *value;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *name = beginning(json_string_value(json_object_get(object, keys[i])), names);
        if (name)
            return name;
    }
    json_object_foreach(object, key, value)
    {
        for (size_t i = 0; prefixes[i]; i++)
            if (!strncmp(key, prefixes[i], strlen(prefixes[i])))
                return names[i];
    }
    return NULL;
}

static bool hypervisor_take(json_t *object, char **out)
{
    const char *name = hypervisor_of(object);
    *out = name ? strdup(name) : NULL;
    return !name || *out;
}

bool image_parse(const char *json, size_t length, struct image *image)
{
    *image = (struct image){0};
    json_t *object = object_load(json, length, &image->no_memory);
    if (!object)
        return false;
    const struct {
        const char *key;
        char **to;
    } fields[] = {
        {"id", &image->id},
        {"status", &image->status},
        {"disk_format", &image->disk_format},
        {"container_format", &image->container_format},
        {"owner", &image->owner},
        {"name", &image->name},
        {"visibility", &image->visibility},
        {"os_hash_algo", &image->os_hash_algo},
        {"os_hash_value", &image->os_hash_value},
        {"checksum", &image->checksum},
        {"stores", &image->stores},
        {"vmware_disktype", &image->vmware_disktype},
        {"owner_specified.openstack.sha256", &image->sdk_sha256},
        {"owner_specified.openstack.md5", &image->sdk_md5},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ok = ok && string_take(object, fields[i].key, fields[i].to);
    ok = ok && hypervisor_take(object, &image->hypervisor);
    size_take(object, image);
    image->of_volumes = is_set(object, "block_device_mapping") || is_set(object, "bdm_v2");
    json_decref(object);
    if (ok && image->status)
        return true;
    image_free(image);
    image->no_memory = !ok;
    return false;
}

void image_free(struct image *image)
{
    free(image->id);
    free(image->status);
    free(image->disk_format);
    free(image->container_format);
    free(image->owner);
    free(image->name);
    free(image->visibility);
    free(image->os_hash_algo);
    free(image->os_hash_value);
    free(image->checksum);
    free(image->stores);
    free(image->vmware_disktype);
    free(image->hypervisor);
    free(image->sdk_sha256);
    free(image->sdk_md5);
    *image = (struct image){0};
}
