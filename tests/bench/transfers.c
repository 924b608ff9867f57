/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads or downloads at once, a thread each. */
#include "transfer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    const struct load *load;
    unsigned number;
    void (*transfer)(struct transfer *transfer);
    pthread_t thread;
};

static void *work(void *context)
{
    const struct job *job = context;
    struct transfer transfer;
    transfer_begin(&transfer, job->load, job->number);
    job->transfer(&transfer);
    transfer_end(&transfer);
    return NULL;
}

static void all_at_once(const struct load *load, void (*transfer)(struct transfer *transfer))
{
    struct job *jobs = calloc(load->count, sizeof *jobs);
    if (!jobs)
        fail("no memory");
    double began = seconds_now();
    for (unsigned i = 0; i < load->count; i++) {
        jobs[i] = (struct job){.load = load, .number = i, .transfer = transfer};
        if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0)
            fail("no thread");
    }
    for (unsigned i = 0; i < load->count; i++)
        pthread_join(jobs[i].thread, NULL);
    printf("{\"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n", load->count * load->size,
           seconds_now() - began);
    free(jobs);
}

void load_upload(const struct load *load)
{
    all_at_once(load, transfer_upload);
}

void load_download(const struct load *load)
{
    all_at_once(load, transfer_download);
}
