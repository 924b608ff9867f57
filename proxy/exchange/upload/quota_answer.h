/* SPDX-License-Identifier: Apache-2.0 */
/* quota_answer.c: the project's usage, as an upload gets it from Glance or from what is remembered.
 */
#ifndef UPLOAD_QUOTA_ANSWER_H
#define UPLOAD_QUOTA_ANSWER_H

#include "exchange/upload/upload_flow.h"

enum quota_answer {
    QUOTA_ANSWER_AWAITED, /* its end wakes the exchange; call quota_answer_find() again */
    QUOTA_ANSWER_THERE,   /* quota.answer */
    QUOTA_ANSWER_NONE     /* the quota is not checked */
};

/* Asks Glance for the usage, unless what is remembered has room. False: no memory. */
bool quota_answer_begin(struct upload_flow *upload);
enum quota_answer quota_answer_find(struct upload_flow *upload);
/* The same without a limit of time, for an upload that has something else to wait for. It also asks
 * again before the answer is old. */
enum quota_answer quota_answer_peek(struct upload_flow *upload);
/* The next answer must be to a question that has not begun yet. */
void quota_answer_want_newer(struct upload_flow *upload);
/* Only an answer to a question that began after the upload came counts from now on. */
void quota_answer_want_own(struct upload_flow *upload);
/* Whether an upload of `bytes` has room, besides the other uploads that `others` bytes are of. */
bool quota_answer_has_room(const struct upload_flow *upload, uint64_t others, uint64_t bytes);
/* Whether the answer may refuse the upload, too. If not, it can only let it pass. */
bool quota_answer_may_refuse(const struct quota_check *quota);
void quota_answer_stop(struct upload_flow *upload); /* it waits no more */
void quota_answer_end(struct upload_flow *upload);

#endif
