/* SPDX-License-Identifier: Apache-2.0 */
/* The files of uploads whose data is kept on disk until it is whole (backing = spool). They are in
 * a directory of their own in spool_dir, and survive the process:
 *
 *     resumable/IMAGE.data     the bytes so far; locked by flock(2) while an upload uses it
 *     resumable/IMAGE.state    what else an upload needs, as JSON; there is no token in it
 *
 * The offset of an upload is the size of its data file. So it is right after the process was
 * killed, too. After a crash of the machine, the end of the file may never have reached the disk.
 * The state has the size that the file had at its last fsync(2), and the id of the boot in which it
 * was written. If that is not the present boot, the offset is this size.
 *
 * The offset is always less than the length. A client that is told that all bytes are here does not
 * come back, and without a client nobody sends the image to Glance. So the last byte is asked for
 * again.
 *
 * A file that cannot be read, or that is no regular file of this user with mode 0600, is removed
 * and logged. A symbolic link is never followed.
 *
 * All functions may block. Those that return -1 or false set errno. */
#ifndef INTAKE_KEPT_FILES_H
#define INTAKE_KEPT_FILES_H

#include "intake/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEPT_IMAGE_MAX = 64 };

/* What is known of a kept upload. The strings are owned: kept_facts_free(). */
struct kept_facts {
    char image[KEPT_IMAGE_MAX + 1];
    uint64_t length;          /* of the whole data, at least 1 */
    uint64_t offset;          /* bytes that are here, less than `length` */
    uint64_t expires_wall_ms; /* clock_wall_ms() of the end of its window */
    char *project;            /* NULL: not known */
    char *store;              /* that the policy has named; NULL: none */
    struct headers promises;  /* the fields of the first request that promises_read() reads */
};

void kept_facts_free(struct kept_facts *facts);
/* False: no memory; `to` is empty. */
bool kept_facts_copy(const struct kept_facts *from, struct kept_facts *to);

/* Whether an image id can be the name of a file: letters, digits and hyphens. */
bool kept_image_valid(const char *image);

/* Opens the directory in `spool_dir`; `create` makes both (mode 0700). */
int kept_directory_open(const char *spool_dir, bool create);

/* Makes an empty upload, in place of any that is there, and locks it. Returns the data file.
 * EWOULDBLOCK: another upload uses it. */
int kept_file_create(int directory, const struct kept_facts *facts);

/* Opens what is there, locks it, and fills `facts` (the caller frees them). `window_ms` is for an
 * upload that a killed process has left. ENOENT: there is none, or it was removed because it is not
 * valid. EWOULDBLOCK: another upload uses it. */
int kept_file_open(int directory, const char *image, uint64_t window_ms, struct kept_facts *facts);

/* Writes the data to the disk, and then the state, with the window's end of `facts`. */
bool kept_file_save(int directory, int file, const struct kept_facts *facts);

/* Removes the upload. The caller has the lock. */
void kept_file_remove(int directory, const char *image);

/* Removes it unless another upload uses it. */
void kept_file_drop(int directory, const char *image);

struct kept_scan {
    /* Whether the caller knows the upload already: then it is not opened. */
    bool (*known)(void *context, const char *image);
    /* Called while the scan has the lock, so that no upload goes on with it before. */
    void (*found)(void *context, const struct kept_facts *facts);
    void *context;
    uint64_t window_ms;
};

/* Looks at every upload that is in no use, and removes files that belong to none. */
void kept_files_scan(int directory, const struct kept_scan *scan);

#endif
