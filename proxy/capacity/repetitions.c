/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests are running or have made an image, by their keys. They are in one list, the latest
 * first: few run at one time, and a look at a thousand keys takes less than a request to Glance. */
#include "intake/repetitions.h"

#include "intake/list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct repetition {
    struct list place;
    char *key;
    struct repetition_made made; /* no image: it is running, and none was made before */
    bool running;
};

struct repetitions {
    pthread_mutex_t lock;
    struct list rows;
    size_t done; /* that are not running */
};

struct repetitions *repetitions_new(void)
{
    struct repetitions *repetitions = calloc(1, sizeof *repetitions);
    if (repetitions)
        pthread_mutex_init(&repetitions->lock, NULL);
    return repetitions;
}

static void drop(struct repetition *repetition)
{
    list_remove(&repetition->place);
    free(repetition->key);
    free(repetition);
}

void repetitions_free(struct repetitions *repetitions)
{
    struct repetition *row;
    if (!repetitions)
        return;
    while ((row = LIST_TAKE_FIRST(&repetitions->rows, struct repetition, place)))
        drop(row);
    pthread_mutex_destroy(&repetitions->lock);
    free(repetitions);
}

static struct repetition *find(struct repetitions *repetitions, const char *key)
{
    LIST_EACH(row, &repetitions->rows, struct repetition, place)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

static struct repetition *add(struct repetitions *repetitions, const char *key)
{
    struct repetition *row = calloc(1, sizeof *row);
    if (!row || !(row->key = strdup(key))) {
        free(row);
        return NULL;
    }
    row->running = true;
    list_insert(&repetitions->rows, &row->place);
    return row;
}

static enum repetition_state begin(struct repetitions *repetitions, const char *key,
                                   struct repetition **out)
{
    struct repetition *known = find(repetitions, key);
    if (known && known->running)
        return REPETITION_RUNNING;
    *out = known ? known : add(repetitions, key);
    if (!*out)
        return REPETITION_NO_MEMORY;
    if (!known)
        return REPETITION_FIRST;
    known->running = true;
    repetitions->done--;
    return REPETITION_DONE;
}

enum repetition_state repetition_begin(struct repetitions *repetitions, const char *key,
                                       struct repetition **out, struct repetition_made *made)
{
    *out = NULL;
    pthread_mutex_lock(&repetitions->lock);
    enum repetition_state state = begin(repetitions, key, out);
    if (state == REPETITION_DONE)
        *made = (*out)->made;
    pthread_mutex_unlock(&repetitions->lock);
    return state;
}

static void forget_oldest(struct repetitions *repetitions)
{
    struct repetition *oldest = LIST_LAST(&repetitions->rows, struct repetition, place);
    while (oldest && oldest->running)
        oldest = oldest->place.previous == &repetitions->rows
                     ? NULL
                     : CONTAINER_OF(oldest->place.previous, struct repetition, place);
    if (!oldest)
        return;
    drop(oldest);
    repetitions->done--;
}

static void keep(struct repetitions *repetitions, struct repetition *repetition,
                 const struct repetition_made *made)
{
    repetition->made = *made;
    repetition->running = false;
    list_remove(&repetition->place);
    list_insert(&repetitions->rows, &repetition->place);
    if (++repetitions->done > REPETITIONS_KEPT)
        forget_oldest(repetitions);
}

void repetition_end(struct repetitions *repetitions, struct repetition *repetition,
                    const struct repetition_made *made)
{
    if (!repetition)
        return;
    pthread_mutex_lock(&repetitions->lock);
    if (made)
        keep(repetitions, repetition, made);
    else
        drop(repetition);
    pthread_mutex_unlock(&repetitions->lock);
}
