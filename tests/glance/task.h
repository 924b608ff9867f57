/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMALL_GLANCE_TASK_H
#define SMALL_GLANCE_TASK_H

struct exchange;

/* POST /v2/tasks */
void task_create(struct exchange *exchange);

#endif
