/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a request that is passed on. */
#ifndef RELAY_STEPS_H
#define RELAY_STEPS_H

#include "exchange/core/exchange_priv.h"

/* relay.c */
extern const struct step RELAY_STEPS[];
enum step_result relay_send_continue(struct exchange *x);
enum step_result relay_forward(struct exchange *x);
bool relay_reply(struct exchange *x, struct reply *reply); /* for the client; false: no memory */

/* stream.c */
enum answer_mode stream_mode(struct exchange *x, unsigned status, const struct headers *fields);
bool stream_open(struct exchange *x, unsigned status); /* before any piece; false: no memory */
bool stream_put(struct exchange *x, const void *bytes, size_t count); /* false: not now */
enum step_result stream_answer(struct exchange *x);

#endif
