/* SPDX-License-Identifier: Apache-2.0 */
/* Small requests at a steady pace: how long other clients wait during a large transfer. A request
 * that is due while the last one is running counts from when it was due. */
#include "load.h"
#include "small.h"
#include "transfer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PINGS_MAX = 100 * 1000 };

/* Whether standard input has ended before `when`. */
static bool has_ended(double when)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    double left = when - seconds_now();
    struct timespec patience = {.tv_nsec = left > 0 ? (long)(1e9 * left) : 0};
    return ppoll(&input, 1, &patience, NULL) > 0;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void print(double *waits, size_t count)
{
    qsort(waits, count, sizeof *waits, compare);
    printf("{\"requests\": %zu, \"p50\": %.6f, \"p99\": %.6f, \"longest\": %.6f}\n", count,
           waits[count / 2], waits[count * 99 / 100], waits[count - 1]);
}

void load_ping(const struct load *load)
{
    static const double every = 0.002;
    double *waits = calloc(PINGS_MAX, sizeof *waits);
    size_t count = 0;
    struct wire wire;
    if (!waits)
        fail("no memory");
    wire_open(&wire, &load->target);
    small_request(&wire, &load->target); /* the first request would pay for the warm-up */
    double due = seconds_now();
    do {
        small_request(&wire, &load->target);
        waits[count++] = seconds_now() - due;
        due += every;
    } while (!has_ended(due) && count < PINGS_MAX);
    print(waits, count);
    wire_close(&wire);
    free(waits);
}
