/* SPDX-License-Identifier: Apache-2.0 */
/* One block of the file in memory. While a job reads it, the block belongs to the job. */
#include "intake/kept_reader.h"

#include "intake/kept_upload.h"
#include "intake/log.h"
#include "intake/thread_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024 };

struct kept_reader {
    struct job job; /* first: struct job is cast to this */
    struct thread_pool *thread_pool;
    struct loop *loop;
    void (*wake)(void *context);
    void *context;
    int fd;
    uint64_t at;  /* the place of the block */
    size_t count; /* bytes in it; 0: nothing was read */
    int error;    /* errno of the last job; 0: success */
    bool busy;    /* a job is running */
    bool freed;   /* when it is done */
    char block[BLOCK];
};

struct kept_reader *kept_reader_new(const struct kept_plan *plan, int file)
{
    struct kept_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->fd = fcntl(file, F_DUPFD_CLOEXEC, 0);
    if (reader->fd < 0) {
        free(reader);
        return NULL;
    }
    reader->thread_pool = plan->thread_pool;
    reader->loop = plan->loop;
    reader->wake = plan->wake;
    reader->context = plan->context;
    return reader;
}

void kept_reader_free(struct kept_reader *reader)
{
    if (!reader)
        return;
    reader->freed = true;
    if (reader->busy)
        return;
    close(reader->fd); /* the upload has another one: nothing is freed on the disk */
    free(reader);
}

static void run(struct job *job)
{
    struct kept_reader *reader = (struct kept_reader *)job;
    ssize_t got;
    do
        got = pread(reader->fd, reader->block, sizeof reader->block, (off_t)reader->at);
    while (got < 0 && errno == EINTR);
    reader->error = got > 0 ? 0 : got < 0 ? errno : EIO; /* the file is shorter than it was */
    reader->count = got > 0 ? (size_t)got : 0;
}

static void done(struct job *job)
{
    struct kept_reader *reader = (struct kept_reader *)job;
    reader->busy = false;
    if (reader->freed) {
        kept_reader_free(reader);
        return;
    }
    if (reader->error)
        log_say(LOG_LEVEL_ERROR, "a kept upload could not be read from spool_dir: %s",
                strerror(reader->error));
    reader->wake(reader->context);
}

static void start(struct kept_reader *reader, uint64_t at)
{
    reader->at = at;
    reader->count = 0;
    reader->busy = true;
    reader->job.run = run;
    reader->job.done = done;
    thread_pool_send(reader->thread_pool, reader->loop, &reader->job);
}

enum kept_read kept_reader_bytes(struct kept_reader *reader, uint64_t at, const char **bytes,
                                 size_t *count)
{
    if (reader->busy)
        return KEPT_READ_WAIT;
    if (reader->error)
        return KEPT_READ_FAILED;
    if (at < reader->at || at - reader->at >= reader->count) {
        start(reader, at);
        return KEPT_READ_WAIT;
    }
    size_t skipped = (size_t)(at - reader->at);
    *bytes = reader->block + skipped;
    *count = MIN(*count, reader->count - skipped);
    return KEPT_READ_GOOD;
}
