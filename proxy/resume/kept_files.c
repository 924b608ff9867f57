/* SPDX-License-Identifier: Apache-2.0 */
/* The two files of a kept upload. Who has the lock of the data file may change and remove both.
 *
 * An upload begins with its data file, and ends with its state file: data without a state is never
 * taken for an upload. */
#include "intake/clock.h"
#include "intake/log.h"
#include "resume/kept_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char FOLDER[] = "resumable";

/* --- facts -------------------------------------------------------------------------------- */

void kept_facts_free(struct kept_facts *facts)
{
    free(facts->project);
    free(facts->store);
    headers_free(&facts->promises);
    *facts = (struct kept_facts){0};
}

static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

bool kept_facts_copy(const struct kept_facts *from, struct kept_facts *to)
{
    *to = *from;
    to->project = to->store = NULL;
    to->promises = (struct headers){0};
    bool good = copy_text(from->project, &to->project) && copy_text(from->store, &to->store);
    headers_each(row, &from->promises)
        good = good && headers_add(&to->promises, row->name, row->value);
    if (!good)
        kept_facts_free(to);
    return good;
}

bool kept_image_valid(const char *image)
{
    size_t length = strlen(image);
    for (const char *at = image; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-')
            return false;
    return length > 0 && length <= KEPT_IMAGE_MAX;
}

/* --- the directory ------------------------------------------------------------------------ */

static int open_folder(int parent)
{
    return openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int kept_directory_open(const char *spool_dir, bool create)
{
    if (create)
        mkdir(spool_dir, 0700);
    int parent = open(spool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return -1;
    int folder = open_folder(parent);
    if (folder < 0 && errno == ENOENT && create) {
        mkdirat(parent, FOLDER, 0700);
        folder = open_folder(parent);
    }
    int error = errno;
    close(parent);
    errno = error;
    return folder;
}

/* --- removing ----------------------------------------------------------------------------- */

static void unlink_one(int directory, const char *image, const char *ending)
{
    char name[KEPT_NAME_MAX];
    kept_name(image, ending, name);
    unlinkat(directory, name, 0);
}

void kept_file_remove(int directory, const char *image)
{
    unlink_one(directory, image, KEPT_STATE);
    unlink_one(directory, image, KEPT_NEW);
    unlink_one(directory, image, KEPT_DATA);
}

static bool is_there(int directory, const char *image)
{
    char name[KEPT_NAME_MAX];
    struct stat status;
    kept_name(image, KEPT_DATA, name);
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What cannot be removed (a directory) is not reported each time. */
static void remove_invalid(int directory, const char *image, const char *why)
{
    kept_file_remove(directory, image);
    if (!is_there(directory, image))
        log_say(LOG_LEVEL_WARNING,
                "the kept upload to image %s in spool_dir was removed, it cannot be resumed: %s",
                image, why);
}

/* --- the data file ------------------------------------------------------------------------ */

/* A file that was just removed has no name any more: is_at() notices that. */
static bool is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink <= 1 &&
           (status->st_mode & 077) == 0;
}

static bool is_at(int directory, const char *name, const struct stat *status)
{
    struct stat now;
    return fstatat(directory, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == status->st_ino && now.st_dev == status->st_dev;
}

static int fail(int fd, int error)
{
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* A link, a directory, a socket, or a file that this user may not open. */
static bool is_foreign(int error)
{
    return error == ELOOP || error == EISDIR || error == ENXIO || error == EACCES;
}

/* ESTALE: the file is none of ours. */
static int lock_data(int directory, const char *image, int flags, struct stat *status)
{
    char name[KEPT_NAME_MAX];
    kept_name(image, KEPT_DATA, name);
    int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        return fail(fd, is_foreign(errno) ? ESTALE : errno);
    if (fstat(fd, status) != 0 || !is_ours(status))
        return fail(fd, ESTALE);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, status) == 0;
    if (!locked || !is_at(directory, name, status)) /* it has just been removed */
        return fail(fd, EWOULDBLOCK);
    return fd;
}

int kept_file_create(int directory, const struct kept_facts *facts)
{
    struct stat status;
    int fd = lock_data(directory, facts->image, O_CREAT, &status);
    if (fd < 0 && errno == ESTALE) {
        kept_file_remove(directory, facts->image);
        fd = lock_data(directory, facts->image, O_CREAT, &status);
    }
    if (fd < 0)
        return -1;
    unlink_one(directory, facts->image, KEPT_STATE); /* it belongs to the bytes that go now */
    if (ftruncate(fd, 0) == 0 && kept_state_write(directory, facts, 0))
        return fd;
    int error = errno;
    kept_file_remove(directory, facts->image);
    return fail(fd, error);
}

/* --- what is there ------------------------------------------------------------------------ */

/* Bytes that are surely here. After a crash of the machine the file may be longer. */
static uint64_t true_offset(const struct kept_saved *saved, uint64_t size, uint64_t length)
{
    char boot[KEPT_BOOT_MAX + 1];
    kept_boot_id(boot);
    bool same_boot = *boot && strcmp(boot, saved->boot) == 0;
    uint64_t offset = same_boot || size < saved->synced ? size : saved->synced;
    return offset == length ? length - 1 : offset;
}

/* A killed process could not write when the window ends: it began with the last byte. */
static void take_expiry(const struct stat *status, uint64_t synced, uint64_t window_ms,
                        struct kept_facts *facts)
{
    uint64_t written = (uint64_t)status->st_mtim.tv_sec * 1000;
    if ((uint64_t)status->st_size > synced && written + window_ms > facts->expires_wall_ms)
        facts->expires_wall_ms = written + window_ms;
}

/* NULL, or why the upload is not valid. */
static const char *examine(int directory, int fd, const struct stat *status, const char *image,
                           uint64_t window_ms, struct kept_facts *facts)
{
    struct kept_saved saved;
    const char *why = kept_state_read(directory, image, facts, &saved);
    uint64_t size = (uint64_t)status->st_size;
    if (why)
        return why;
    if (size > facts->length)
        return "it has more data than its length";
    facts->offset = true_offset(&saved, size, facts->length);
    take_expiry(status, saved.synced, window_ms, facts);
    return facts->offset == size || ftruncate(fd, (off_t)facts->offset) == 0
               ? NULL
               : "it cannot be shortened";
}

int kept_file_open(int directory, const char *image, uint64_t window_ms, struct kept_facts *facts)
{
    struct stat status;
    *facts = (struct kept_facts){0};
    int fd = lock_data(directory, image, 0, &status);
    if (fd < 0 && errno == ESTALE) {
        remove_invalid(directory, image, "its data is no file of ours");
        errno = ENOENT;
    }
    if (fd < 0)
        return -1;
    unlink_one(directory, image, KEPT_NEW); /* a killed process has not finished it */
    const char *why = examine(directory, fd, &status, image, window_ms, facts);
    if (!why)
        return fd;
    kept_facts_free(facts);
    remove_invalid(directory, image, why);
    return fail(fd, ENOENT);
}

bool kept_file_save(int directory, int file, const struct kept_facts *facts)
{
    struct stat status;
    return fstat(file, &status) == 0 && fdatasync(file) == 0 &&
           kept_state_write(directory, facts, (uint64_t)status.st_size);
}

void kept_file_drop(int directory, const char *image)
{
    struct stat status;
    int fd = lock_data(directory, image, 0, &status);
    if (fd < 0 && errno == EWOULDBLOCK)
        return;
    kept_file_remove(directory, image);
    if (fd >= 0)
        close(fd);
}
