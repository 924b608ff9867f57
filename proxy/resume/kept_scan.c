/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at all files of kept uploads: those that no process uses, and what is left of others. */
#include "intake/log.h"
#include "resume/kept_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The image of a file with this ending. False: the name has another ending, or no image id. */
static bool image_of(const char *name, const char *ending, char image[KEPT_IMAGE_MAX + 1])
{
    size_t length = strlen(name), tail = strlen(ending);
    if (length <= tail || length - tail > KEPT_IMAGE_MAX ||
        strcmp(name + length - tail, ending) != 0)
        return false;
    memcpy(image, name, length - tail);
    image[length - tail] = '\0';
    return kept_image_valid(image);
}

static void look(int directory, const char *image, const struct kept_scan *scan)
{
    struct kept_facts facts;
    if (scan->known(scan->context, image))
        return;
    int fd = kept_file_open(directory, image, scan->window_ms, &facts);
    if (fd < 0)
        return;
    scan->found(scan->context, &facts);
    close(fd); /* ends the lock: an upload that goes on with it now is later than the call */
    kept_facts_free(&facts);
}

/* An upload makes its data file first, so a state without one is left over. It may also be gone
 * meanwhile, with its upload. */
static void remove_left_over(int directory, const char *name, const char *image)
{
    char data[KEPT_NAME_MAX];
    struct stat status;
    kept_name(image, KEPT_DATA, data);
    if (fstatat(directory, data, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
        unlinkat(directory, name, 0) == 0)
        log_say(LOG_LEVEL_WARNING, "%s in spool_dir was removed: it belongs to no upload", name);
}

void kept_files_scan(int directory, const struct kept_scan *scan)
{
    char image[KEPT_IMAGE_MAX + 1];
    int copy = dup(directory);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    if (!entries && copy >= 0)
        close(copy);
    if (!entries)
        return;
    rewinddir(entries);
    while ((entry = readdir(entries))) {
        if (image_of(entry->d_name, KEPT_DATA, image))
            look(directory, image, scan);
        else if (image_of(entry->d_name, KEPT_STATE, image) ||
                 image_of(entry->d_name, KEPT_NEW, image))
            remove_left_over(directory, entry->d_name, image);
    }
    closedir(entries);
}
