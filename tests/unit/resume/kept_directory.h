/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of kept uploads, made anew for each test, and one upload in it. */
#ifndef RESUME_KEPT_DIRECTORY_H
#define RESUME_KEPT_DIRECTORY_H

#include "intake/kept_files.h"
#include "intake/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/scratch.h"

#define IMAGE "6bd7d59b-51fa-4df9-9808-147a25abc8cf"

enum { LENGTH = 100, WINDOW_MS = 60000 };

static struct {
    const char *spool_dir;
    int directory;
} env;

static inline int set_up(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    env.spool_dir = scratch_path(state, "spool");
    env.directory = kept_directory_open(env.spool_dir, true);
    return env.directory >= 0 && log_open(LOG_FORMAT_TEXT, false, scratch_path(state, "log")) ? 0
                                                                                              : -1;
}

static inline int tear_down(void **state)
{
    close(env.directory);
    log_open(LOG_FORMAT_TEXT, false, NULL);
    return scratch_end(state);
}

/* An upload that has `size` bytes, and is in no use. */
static inline void make(size_t size, uint64_t expires)
{
    struct kept_facts facts = {
        .image = IMAGE, .length = LENGTH, .expires_wall_ms = expires, .project = "demo"};
    char bytes[LENGTH] = "";
    assert_true(headers_add(&facts.promises, "Digest", "md5=x"));
    int fd = kept_file_create(env.directory, &facts);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_true(kept_file_save(env.directory, fd, &facts));
    close(fd);
    headers_free(&facts.promises);
}

static inline int reopen(struct kept_facts *facts)
{
    return kept_file_open(env.directory, IMAGE, WINDOW_MS, facts);
}

static inline size_t count_of(const char *name)
{
    struct stat status;
    return fstatat(env.directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
