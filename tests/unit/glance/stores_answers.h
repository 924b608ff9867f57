/* SPDX-License-Identifier: Apache-2.0 */
/* The known stores, and answers of Glance about them. Include after <cmocka.h>. */
#ifndef GLANCE_STORES_ANSWERS_H
#define GLANCE_STORES_ANSWERS_H

#include "intake/buffer.h"
#include "intake/buffered_fetch.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/stores.h"
#include "support/policies.h"

/* The clock is this test's: the linker takes these, and leaves the library's in the archive. */
static _Atomic uint64_t now;

uint64_t clock_ms(void)
{
    return now;
}

uint64_t clock_wall_ms(void)
{
    return now;
}

static struct stores *stores;

static inline int set_up(void **state)
{
    now = 1000;
    stores = stores_new();
    return stores ? scratch_begin(state) : -1;
}

static inline int tear_down(void **state)
{
    stores_free(stores);
    return log_open(LOG_FORMAT_TEXT, false, "") ? scratch_end(state) : -1;
}

static inline bool learn(const char *json)
{
    return stores_learn(stores, json, strlen(json));
}

/* As Glance 25.1 answers. */
static const char TWO[] =
    "{\"stores\": [{\"id\": \"file\", \"description\": \"local files\", \"default\": \"true\"}, "
    "{\"id\": \"test\", \"description\": \"ceph object gateway\"}]}";

#endif
