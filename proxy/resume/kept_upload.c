/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of one kept upload. One runs at a time: `open`, then any number of `save`, then
 * `close`. The spool has a descriptor of its own; the lock ends when both are closed. */
#include "intake/kept_upload.h"

#include "intake/kept_reader.h"
#include "intake/log.h"
#include "intake/spool.h"
#include "intake/thread_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kept_upload {
    struct job job; /* first: struct job is cast to this */
    struct kept_plan plan;
    struct kept_facts facts; /* the running job has them */
    char *spool_dir;
    struct spool *spool;
    enum kept_state state;
    enum kept_end end;
    bool creates;         /* else it opens what is there */
    bool busy;            /* a job is running */
    bool save_again;      /* when it is done */
    bool freed;           /* when it is done */
    uint64_t expires_now; /* for the next state */
    int directory, file;  /* -1: closed */
    int error;            /* errno of the last job; 0: success */
};

static struct kept_upload *of(struct job *job)
{
    return (struct kept_upload *)job;
}

static void send_job(struct kept_upload *upload, void (*run)(struct job *job),
                     void (*done)(struct job *job))
{
    upload->busy = true;
    upload->job.run = run;
    upload->job.done = done;
    thread_pool_send(upload->plan.thread_pool, upload->plan.loop, &upload->job);
}

/* --- closing ------------------------------------------------------------------------------ */

static void close_files(struct kept_upload *upload)
{
    if (upload->file >= 0)
        close(upload->file);
    if (upload->directory >= 0)
        close(upload->directory);
    upload->file = upload->directory = -1;
}

static void run_close(struct job *job)
{
    struct kept_upload *upload = of(job);
    bool open = upload->file >= 0;
    if (open && upload->end == KEPT_GOES)
        kept_file_remove(upload->directory, upload->facts.image);
    else if (open)
        kept_file_save(upload->directory, upload->file, &upload->facts);
    close_files(upload);
}

static void closed(struct job *job)
{
    struct kept_upload *upload = of(job);
    kept_facts_free(&upload->facts);
    free(upload->spool_dir);
    free(upload);
}

static void finish(struct kept_upload *upload)
{
    spool_free(upload->spool); /* its own job closes its descriptor */
    upload->spool = NULL;
    upload->facts.expires_wall_ms = upload->expires_now;
    send_job(upload, run_close, closed);
}

void kept_upload_free(struct kept_upload *upload, enum kept_end end)
{
    if (!upload)
        return;
    upload->freed = true;
    upload->end = end;
    if (!upload->busy)
        finish(upload);
}

/* --- saving ------------------------------------------------------------------------------- */

static void run_save(struct job *job)
{
    struct kept_upload *upload = of(job);
    bool saved = kept_file_save(upload->directory, upload->file, &upload->facts);
    upload->error = saved ? 0 : errno;
}

static void start_save(struct kept_upload *upload);

static void saved(struct job *job)
{
    struct kept_upload *upload = of(job);
    upload->busy = false;
    if (upload->error)
        log_say(LOG_LEVEL_WARNING, "the state of the kept upload to image %s was not written: %s",
                upload->facts.image, strerror(upload->error));
    if (upload->freed)
        finish(upload);
    else if (upload->save_again)
        start_save(upload);
}

static void start_save(struct kept_upload *upload)
{
    upload->save_again = false;
    upload->facts.expires_wall_ms = upload->expires_now;
    send_job(upload, run_save, saved);
}

void kept_upload_expires(struct kept_upload *upload, uint64_t expires_wall_ms)
{
    upload->expires_now = expires_wall_ms;
}

void kept_upload_save(struct kept_upload *upload, uint64_t expires_wall_ms)
{
    upload->expires_now = expires_wall_ms;
    if (upload->state != KEPT_OPEN || upload->freed)
        return;
    if (upload->busy)
        upload->save_again = true;
    else
        start_save(upload);
}

/* --- opening ------------------------------------------------------------------------------ */

static void run_open(struct job *job)
{
    struct kept_upload *upload = of(job);
    struct kept_facts found = {0};
    upload->directory = kept_directory_open(upload->spool_dir, upload->creates);
    if (upload->directory >= 0)
        upload->file = upload->creates ? kept_file_create(upload->directory, &upload->facts)
                                       : kept_file_open(upload->directory, upload->facts.image,
                                                        upload->plan.window_ms, &found);
    upload->error = upload->file >= 0 ? 0 : errno;
    if (upload->file < 0 || upload->creates)
        return;
    kept_facts_free(&upload->facts);
    upload->facts = found;
}

static enum kept_state classify(const struct kept_upload *upload)
{
    switch (upload->error) {
    case 0:
        return KEPT_OPEN;
    case EWOULDBLOCK:
        return KEPT_IN_USE;
    case ENOENT:
        return upload->creates ? KEPT_FAILED : KEPT_GONE;
    case ENOSPC:
    case EDQUOT:
        return KEPT_FULL;
    default:
        return KEPT_FAILED;
    }
}

static bool make_spool(struct kept_upload *upload)
{
    const struct kept_plan *plan = &upload->plan;
    int copy = fcntl(upload->file, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        upload->spool = spool_new(plan->spools, plan->loop, upload->spool_dir, plan->limit,
                                  plan->wake, plan->context);
    if (upload->spool)
        spool_adopt(upload->spool, copy, upload->facts.offset);
    else if (copy >= 0)
        close(copy);
    return upload->spool != NULL;
}

static void opened(struct job *job)
{
    struct kept_upload *upload = of(job);
    upload->busy = false;
    upload->state = classify(upload);
    upload->expires_now = upload->facts.expires_wall_ms;
    if (upload->state == KEPT_OPEN && !make_spool(upload))
        upload->state = KEPT_FAILED;
    if (upload->error && (upload->state == KEPT_FAILED || upload->state == KEPT_FULL))
        log_say(LOG_LEVEL_WARNING, "the data of image %s could not be kept in spool_dir %s: %s",
                upload->facts.image, upload->spool_dir, strerror(upload->error));
    if (upload->freed)
        finish(upload);
    else
        upload->plan.wake(upload->plan.context);
}

static struct kept_upload *start(const struct kept_plan *plan, const struct kept_facts *facts,
                                 bool creates)
{
    struct kept_upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        return NULL;
    upload->spool_dir = strdup(plan->spool_dir);
    if (!upload->spool_dir || !kept_facts_copy(facts, &upload->facts)) {
        free(upload->spool_dir);
        free(upload);
        return NULL;
    }
    upload->plan = *plan;
    upload->creates = creates;
    upload->directory = upload->file = -1;
    send_job(upload, run_open, opened);
    return upload;
}

struct kept_upload *kept_upload_create(const struct kept_plan *plan, const struct kept_facts *facts)
{
    return start(plan, facts, true);
}

struct kept_upload *kept_upload_open(const struct kept_plan *plan, const char *image)
{
    struct kept_facts facts = {0};
    strncpy(facts.image, image, KEPT_IMAGE_MAX);
    return start(plan, &facts, false);
}

struct kept_reader *kept_upload_reader(const struct kept_upload *upload)
{
    return kept_reader_new(&upload->plan, upload->file);
}

enum kept_state kept_upload_state(const struct kept_upload *upload)
{
    return upload->state;
}

const struct kept_facts *kept_upload_facts(const struct kept_upload *upload)
{
    return &upload->facts;
}

struct spool *kept_upload_spool(struct kept_upload *upload)
{
    return upload->spool;
}
