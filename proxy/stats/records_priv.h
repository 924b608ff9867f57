/* SPDX-License-Identifier: Apache-2.0 */
/* The records of one worker, as the pages of proxy/admin/ read them. */
#ifndef STATS_RECORDS_PRIV_H
#define STATS_RECORDS_PRIV_H

#include "intake/record.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;

struct upload_list { /* newest first */
    struct upload *first, *last;
    size_t count;
};

struct uploads {
    struct metrics *metrics;
    pthread_mutex_t lock; /* guards both lists: the admin thread reads them */
    struct upload_list in_flight;
    struct upload_list finished;
};

enum { UPLOAD_WARNINGS_TEXT = 640 };

/* "damaged_body, format_mismatch", or "" */
void upload_warnings_text(uint64_t warnings, char out[UPLOAD_WARNINGS_TEXT]);

#endif
