/* SPDX-License-Identifier: Apache-2.0 */
/* What came in and what went out, for tests to read: one JSON line per request.
 *
 *     {"method": "PUT", "target": "/v2/images/ID/file", "headers": [["Host", "..."], ...],
 *      "received": 42, "complete": true, "status": 204}
 *
 * `target` and `headers` are as they were sent, in order. `complete`: the body ended as promised.
 * `status` is null where the connection was closed without an answer. The line is there before
 * the answer is, but for an answer before the end of a body: then it comes when the body is over
 * or the connection gone. */
#ifndef SMALL_GLANCE_JOURNAL_H
#define SMALL_GLANCE_JOURNAL_H

struct exchange;

/* Once per exchange; later calls do nothing. Takes glance->lock. */
void journal_write(struct exchange *exchange);

#endif
