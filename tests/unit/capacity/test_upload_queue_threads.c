/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/upload_queue.h"

#include "intake/loop.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/upstream/three_endpoints.h"

static struct upload_queue *queue;

enum { WORKERS = 4, ROUNDS = 200, LIMIT = 2 };

struct worker {
    struct loop *loop;
    bool told;
};

static _Atomic int at_once, most;

static void tell(void *context)
{
    ((struct worker *)context)->told = true;
}

static void upload_once(struct worker *worker)
{
    const struct upload_queue_entry entry = {.urls = ABC,
                                             .count = 1,
                                             .preferred = -1,
                                             .loop = worker->loop,
                                             .wake = tell,
                                             .context = worker};
    worker->told = false;
    struct upload_ticket *ticket = upload_queue_enter(queue, &entry);
    while (upload_ticket_endpoint(ticket) == UPLOAD_TICKET_WAITS)
        sched_yield();
    int now_at_once = ++at_once;
    if (now_at_once > most)
        most = now_at_once;
    at_once--;
    upload_ticket_leave(ticket);
    while (loop_run_sent(worker->loop))
        continue;
}

static void *work(void *context)
{
    for (int i = 0; i < ROUNDS; i++)
        upload_once(context);
    return NULL;
}

static void workers_share_the_places(void **state)
{
    (void)state;
    struct worker workers[WORKERS] = {0};
    pthread_t threads[WORKERS];
    upload_queue_limit(queue, LIMIT);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].loop = loop_new();
        assert_non_null(workers[i].loop);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WORKERS; i++) {
        while (loop_run_sent(workers[i].loop))
            continue;
        loop_free(workers[i].loop);
    }
    assert_true(most <= LIMIT);
}

static int begin(void **state)
{
    if (set_up(state) != 0)
        return -1;
    queue = upload_queue_new(endpoints);
    return queue ? 0 : -1;
}

static int end(void **state)
{
    assert_int_equal(upload_queue_length(queue), 0);
    upload_queue_free(queue);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(workers_share_the_places, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
