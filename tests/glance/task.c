/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/tasks, an administrator's: taken, and never done. */
#include "task.h"

#include "exchange.h"
#include "glance.h"

#include <uuid/uuid.h>

static void answer_task(struct exchange *exchange, json_t *task)
{
    char id[UUID_STR_LEN];
    uuid_t uuid;
    uuid_generate_random(uuid);
    uuid_unparse_lower(uuid, id);
    json_t *told = json_pack("{s:s, s:O, s:O, s:s, s:s}", "id", id, "type",
                             json_object_get(task, "type"), "input", json_object_get(task, "input"),
                             "status", "pending", "owner", exchange->caller->project);
    answer_json(exchange, 201, told);
    answer_header(exchange, "Location", "/v2/tasks/%s", id);
}

void task_create(struct exchange *exchange)
{
    if (!exchange->caller->admin) {
        answer_error(exchange, 403, "You are not authorized to complete add_task action.");
        return;
    }
    json_t *task = exchange_json(exchange);
    if (json_is_string(json_object_get(task, "type")) &&
        json_is_object(json_object_get(task, "input")))
        answer_task(exchange, task);
    else if (task)
        answer_error(exchange, 400, "Missing required attributes: type, input");
    json_decref(task);
}
