/* SPDX-License-Identifier: Apache-2.0 */
/* The request records of one worker. The pages of proxy/admin/ read them, too.
 *
 *   records.c       the records in flight, and the last ones that ended
 *   record_log.c    writes the log line of a record
 *   records_json.c  the records of all workers, as JSON
 *   record_texts.c  names what was done to an upload */
#ifndef STATS_RECORDS_PRIV_H
#define STATS_RECORDS_PRIV_H

#include "intake/record.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;

struct record_list { /* newest first */
    struct list rows;
    size_t count;
};

struct records {
    struct metrics *metrics;
    pthread_mutex_t lock; /* guards both lists, which the admin thread reads */
    struct record_list in_flight;
    struct record_list finished;
};

enum { RECORD_WARNINGS_TEXT = 1152 };

/* Writes "damaged_body, format_mismatch", or "". */
void record_warnings_text(uint64_t warnings, char out[RECORD_WARNINGS_TEXT]);

#endif
