/* SPDX-License-Identifier: Apache-2.0 */
/* The stores, and what a request says about them. */
#ifndef SMALL_GLANCE_STORE_H
#define SMALL_GLANCE_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct glance;

enum { STORE_NAME_MAX = 64 };

/* False: there are too many, or its name is too long. */
bool store_add(struct glance *glance, const char *name);

/* The configured ones, and the two that Glance keeps for itself and yet gives to anybody. */
bool store_known(const struct glance *glance, const char *name);

/* The store that X-Image-Meta-Store asks for, the default without one. False: unknown, and
 * answered with `status`. */
bool store_asked(struct exchange *exchange, unsigned status, char store[STORE_NAME_MAX]);

/* "file,test" */
void store_list(const struct glance *glance, char *text, size_t size);

/* GET /v2/info/stores */
void info_stores(struct exchange *exchange);

/* PUT /small-glance/stores ["file", "test"]: these from now on, the first as the default. */
void stores_put(struct exchange *exchange);

#endif
