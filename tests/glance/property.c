/* SPDX-License-Identifier: Apache-2.0 */
#include "property.h"

#include "exchange.h"

#include <string.h>

enum kind { TEXT, TEXT_OR_NULL, COUNT, FLAG, LIST };

/* Glance's own, and one that its operator has added. */
static const char disk_formats[] = " ami ari aki vhd vhdx vmdk raw qcow2 vdi iso ploop qed ";
static const char container_formats[] = " ami ari aki bare ovf ova docker compressed ";
static const char visibilities[] = " community public private shared ";

static const struct property {
    const char *name;
    enum kind kind;
    bool read_only;
    const char *choice;   /* " one or the other "; NULL: anything of the kind */
    const char *fallback; /* as JSON; NULL: absent unless set */
} properties[] = {
    {"name", TEXT_OR_NULL, false, NULL, "null"},
    {"disk_format", TEXT_OR_NULL, false, disk_formats, "null"},
    {"container_format", TEXT_OR_NULL, false, container_formats, "null"},
    {"visibility", TEXT, false, visibilities, "\"shared\""},
    {"size", COUNT, true, NULL, "null"},
    {"virtual_size", COUNT, true, NULL, "null"},
    {"status", TEXT, true, NULL, NULL},
    {"checksum", TEXT, true, NULL, "null"},
    {"protected", FLAG, false, NULL, "false"},
    {"min_ram", COUNT, false, NULL, "0"},
    {"min_disk", COUNT, false, NULL, "0"},
    {"owner", TEXT_OR_NULL, false, NULL, NULL},
    {"os_hidden", FLAG, false, NULL, "false"},
    {"os_hash_algo", TEXT, true, NULL, "null"},
    {"os_hash_value", TEXT, true, NULL, "null"},
    {"id", TEXT, false, NULL, NULL},
    {"created_at", TEXT, true, NULL, NULL},
    {"updated_at", TEXT, true, NULL, NULL},
    {"tags", LIST, false, NULL, "[]"},
    {"self", TEXT, true, NULL, NULL},
    {"file", TEXT, true, NULL, NULL},
    {"schema", TEXT, true, NULL, NULL},
    {"stores", TEXT, true, NULL, NULL},
    {"locations", LIST, true, NULL, NULL},
};

static const size_t property_count = sizeof properties / sizeof properties[0];

static const struct property *property_find(const char *name)
{
    for (size_t i = 0; i < property_count; i++)
        if (strcmp(properties[i].name, name) == 0)
            return &properties[i];
    return NULL;
}

static bool is_of_kind(const json_t *value, enum kind kind)
{
    switch (kind) {
    case TEXT:
        return json_is_string(value);
    case TEXT_OR_NULL:
        return json_is_string(value) || json_is_null(value);
    case COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case FLAG:
        return json_is_boolean(value);
    case LIST:
        return json_is_array(value);
    }
    return false;
}

static bool is_choice(const json_t *value, const char *choice)
{
    const char *text = json_string_value(value);
    if (!choice || !text)
        return true;
    const char *found = *text ? strstr(choice, text) : NULL;
    return found && found[-1] == ' ' && found[strlen(text)] == ' ';
}

bool property_settable(struct exchange *exchange, const char *name, const json_t *value)
{
    static const struct property custom = {.kind = TEXT};
    const struct property *property = property_find(name);
    if (!property)
        property = &custom;
    if (property->read_only) {
        answer_error(exchange, 403, "Attribute '%s' is read-only.", name);
        return false;
    }
    if (!is_of_kind(value, property->kind) || !is_choice(value, property->choice)) {
        answer_error(exchange, 400,
                     "Provided object does not match schema 'image': bad value of '%s'", name);
        return false;
    }
    return true;
}

bool property_is_base(const char *name)
{
    return property_find(name) != NULL;
}

bool property_is_format(const char *name)
{
    return strcmp(name, "disk_format") == 0 || strcmp(name, "container_format") == 0;
}

void property_defaults(json_t *image)
{
    for (size_t i = 0; i < property_count; i++)
        if (properties[i].fallback && !json_object_get(image, properties[i].name))
            json_object_set_new(image, properties[i].name,
                                json_loads(properties[i].fallback, JSON_DECODE_ANY, NULL));
}

void schema_image(struct exchange *exchange)
{
    static const char *const types[] = {"\"string\"", "[\"null\", \"string\"]",
                                        "[\"null\", \"integer\"]", "\"boolean\"", "\"array\""};
    json_t *described = json_object();
    for (size_t i = 0; i < property_count; i++) {
        json_t *row = json_pack("{s:o}", "type",
                                json_loads(types[properties[i].kind], JSON_DECODE_ANY, NULL));
        if (properties[i].read_only)
            json_object_set_new(row, "readOnly", json_true());
        json_object_set_new(described, properties[i].name, row);
    }
    answer_json(exchange, 200,
                json_pack("{s:s, s:o, s:{s:s}}", "name", "image", "properties", described,
                          "additionalProperties", "type", "string"));
}
