/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a kept upload as JSON, in a file that is replaced as a whole. */
#include "resume/kept_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, STATE_MAX = 64 * 1024, PROMISES_MAX = 32 };

void kept_boot_id(char out[KEPT_BOOT_MAX + 1])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, KEPT_BOOT_MAX) : -1;
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

/* --- reading ------------------------------------------------------------------------------ */

/* The whole file, which the caller frees. NULL: `why` says why. */
static char *read_text(int directory, const char *name, const char **why)
{
    struct stat status;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_uid == geteuid() && status.st_size <= STATE_MAX;
    char *text = good ? calloc(1, (size_t)status.st_size + 1) : NULL;
    *why = fd < 0 ? "it has no state" : !good ? "its state is no file of ours" : "no memory";
    if (text && read(fd, text, (size_t)status.st_size) != status.st_size) {
        free(text);
        text = NULL;
        *why = "its state cannot be read";
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static bool take_text(const json_t *value, char **out)
{
    if (json_is_string(value))
        *out = strdup(json_string_value(value));
    return json_is_null(value) || *out;
}

static bool take_count(const json_t *value, uint64_t *out)
{
    json_int_t count = json_integer_value(value);
    *out = (uint64_t)count;
    return json_is_integer(value) && count >= 0;
}

static bool take_promises(const json_t *rows, struct headers *out)
{
    bool good = json_is_array(rows) && json_array_size(rows) <= PROMISES_MAX;
    for (size_t i = 0; good && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_array_get(row, 0));
        const char *value = json_string_value(json_array_get(row, 1));
        good = name && value && headers_add(out, name, value);
    }
    return good;
}

static bool take_boot(const json_t *value, struct kept_saved *saved)
{
    const char *boot = json_string_value(value);
    if (!boot || strlen(boot) > KEPT_BOOT_MAX)
        return false;
    memcpy(saved->boot, boot, strlen(boot) + 1);
    return true;
}

static bool take(const json_t *object, const char *image, struct kept_facts *facts,
                 struct kept_saved *saved)
{
    const char *named = json_string_value(json_object_get(object, "image"));
    uint64_t version;
    bool good = take_count(json_object_get(object, "version"), &version) && version == VERSION &&
                named && strcmp(named, image) == 0 &&
                take_count(json_object_get(object, "length"), &facts->length) &&
                take_count(json_object_get(object, "synced"), &saved->synced) &&
                take_count(json_object_get(object, "expires"), &facts->expires_wall_ms) &&
                take_boot(json_object_get(object, "boot"), saved) &&
                take_text(json_object_get(object, "project"), &facts->project) &&
                take_text(json_object_get(object, "store"), &facts->store) &&
                take_promises(json_object_get(object, "promises"), &facts->promises);
    return good && facts->length > 0 && saved->synced <= facts->length;
}

const char *kept_state_read(int directory, const char *image, struct kept_facts *facts,
                            struct kept_saved *saved)
{
    char name[KEPT_NAME_MAX];
    const char *why = NULL;
    *facts = (struct kept_facts){0};
    kept_name(image, KEPT_STATE, name);
    char *text = read_text(directory, name, &why);
    if (!text)
        return why;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool good = take(object, image, facts, saved);
    json_decref(object);
    free(text);
    snprintf(facts->image, sizeof facts->image, "%s", image);
    return good ? NULL : "its state is not valid";
}

/* --- writing ------------------------------------------------------------------------------ */

static json_t *make_promises(const struct headers *promises)
{
    json_t *rows = json_array();
    headers_each(row, promises)
        if (json_array_append_new(rows, json_pack("[s, s]", row->name, row->value)) != 0) {
            json_decref(rows);
            return NULL;
        }
    return rows;
}

/* NULL: no memory, or a value is no UTF-8. */
static char *make_text(const struct kept_facts *facts, uint64_t synced)
{
    char boot[KEPT_BOOT_MAX + 1];
    kept_boot_id(boot);
    json_t *object = json_pack(
        "{s:i, s:s, s:I, s:I, s:I, s:s, s:s?, s:s?, s:o}", "version", VERSION, "image",
        facts->image, "length", (json_int_t)facts->length, "synced", (json_int_t)synced, "expires",
        (json_int_t)facts->expires_wall_ms, "boot", boot, "project", facts->project, "store",
        facts->store, "promises", make_promises(&facts->promises));
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    json_decref(object);
    if (!text)
        errno = ENOMEM;
    return text;
}

static bool write_text(int directory, const char *name, const char *text)
{
    size_t length = strlen(text);
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    errno = ENOSPC; /* of a short write */
    bool good = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return good;
}

bool kept_state_write(int directory, const struct kept_facts *facts, uint64_t synced)
{
    char name[KEPT_NAME_MAX], new_name[KEPT_NAME_MAX];
    char *text = make_text(facts, synced);
    if (!text)
        return false;
    kept_name(facts->image, KEPT_STATE, name);
    kept_name(facts->image, KEPT_NEW, new_name);
    unlinkat(directory, new_name, 0);
    bool good = write_text(directory, new_name, text) &&
                renameat(directory, new_name, directory, name) == 0 && fsync(directory) == 0;
    int error = errno;
    if (!good)
        unlinkat(directory, new_name, 0);
    free(text);
    errno = error;
    return good;
}
