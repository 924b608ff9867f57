/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of one worker for projects' usage, and the uploads of that worker that wait. */
#include "intake/usage_questions.h"

#include "intake/buffered_fetch.h"
#include "intake/container.h"
#include "intake/quota_reservations.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

struct usage_questions {
    struct glance *glance;
    struct usage_answers *answers;
    struct quota_reservations *reservations;
    struct list under_way;
    struct list waiters;
    struct usage_listener listener;
};

struct question {
    struct usage_account *account; /* its answer is for this one; owned */
    struct snapshot *snapshot;     /* owned; the transfer borrows its settings */
    struct fetch fetch;
    struct list place; /* in under_way */
};

/* --- those who wait -------------------------------------------------------------------------- */

static void heard(struct task *task)
{
    struct usage_questions *questions = CONTAINER_OF(task, struct usage_questions, listener.task);
    usage_listener_heard(questions->answers, &questions->listener);
    LIST_EACH(waiter, &questions->waiters, struct usage_waiter, place) {
        waiter->wake(waiter->context);
    }
}

void usage_questions_wait(struct usage_questions *questions, struct usage_waiter *waiter)
{
    if (!list_is_linked(&waiter->place))
        list_append(&questions->waiters, &waiter->place);
}

void usage_waiter_end(struct usage_waiter *waiter)
{
    list_remove(&waiter->place);
}

/* --- a question ------------------------------------------------------------------------------ */

static void question_free(struct question *question)
{
    list_remove(&question->place);
    fetch_end(&question->fetch);
    snapshot_release(question->snapshot);
    usage_account_close(question->account);
    free(question);
}

/* False: `why` says why there is no answer. A Glance without the resource (404) has no limits. */
static bool read_answer(const struct fetch *fetch, struct usage *usage, char why[USAGE_FAULT_MAX])
{
    const struct buffer *body = &fetch->answer.body;
    unsigned status = fetch->answer.status;
    *usage = (struct usage){0};
    if (!fetch_answered(fetch))
        snprintf(why, USAGE_FAULT_MAX, "%s",
                 fetch->too_long ? "its answer is too long" : fetch->detail);
    else if (status == 404 || (status == 200 && usage_parse(buffer_text(body), body->len, usage)))
        return true;
    else if (status == 200)
        snprintf(why, USAGE_FAULT_MAX, "its answer cannot be read");
    else
        snprintf(why, USAGE_FAULT_MAX, "it answers %u", status);
    return false;
}

static void answered(void *context)
{
    struct question *question = context;
    struct usage usage;
    char why[USAGE_FAULT_MAX];
    bool read = read_answer(&question->fetch, &usage, why);
    usage_account_end(question->account, read ? &usage : NULL, why);
    question_free(question);
}

static struct question *question_new(struct usage_questions *questions,
                                     struct usage_account *account, struct snapshot *snapshot)
{
    struct question *question = calloc(1, sizeof *question);
    if (!question)
        return NULL;
    question->account = usage_account_hold(account);
    question->snapshot = snapshot_hold(snapshot);
    list_append(&questions->under_way, &question->place);
    return question;
}

static bool start(struct usage_questions *questions, struct question *question,
                  const struct headers *fields)
{
    const struct upstream_request request = {
        .method = "GET", .target = "/v2/info/usage", .headers = fields};
    return fetch_start(&question->fetch, questions->glance, question->snapshot->settings, &request,
                       answered, question);
}

uint64_t usage_questions_ask(struct usage_questions *questions, struct usage_account *account,
                             struct snapshot *snapshot, const struct headers *fields)
{
    uint64_t number =
        usage_account_begin(account, quota_reservations_mark(questions->reservations));
    if (!number)
        return 0;
    struct question *question = question_new(questions, account, snapshot);
    if (question && start(questions, question, fields))
        return number;
    if (question)
        question_free(question);
    usage_account_end(account, NULL, "the proxy has no memory to ask");
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

struct usage_questions *usage_questions_new(struct loop *loop, struct glance *glance,
                                            struct usage_answers *answers,
                                            struct quota_reservations *reservations)
{
    struct usage_questions *questions = calloc(1, sizeof *questions);
    if (!questions)
        return NULL;
    questions->glance = glance;
    questions->answers = answers;
    questions->reservations = reservations;
    questions->listener = (struct usage_listener){.loop = loop, .task.run = heard};
    usage_listener_begin(answers, &questions->listener);
    return questions;
}

/* The uploads of other workers that wait for these questions ask themselves. */
void usage_questions_free(struct usage_questions *questions)
{
    if (!questions)
        return;
    usage_listener_end(questions->answers, &questions->listener);
    struct question *question;
    while ((question = LIST_TAKE_FIRST(&questions->under_way, struct question, place))) {
        usage_account_end(question->account, NULL, "the worker that asked has ended");
        question_free(question);
    }
    free(questions);
}
