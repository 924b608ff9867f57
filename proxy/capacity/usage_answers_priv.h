/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of projects' usage, for two files:
 *
 *   usage_answers.c   the questions and answers of an account, and who listens
 *   usage_accounts.c  which account belongs to a token */
#ifndef USAGE_ANSWERS_PRIV_H
#define USAGE_ANSWERS_PRIV_H

#include "intake/digest.h"
#include "intake/usage_answers.h"

#include <pthread.h>

enum { USAGE_BUCKETS = 1024 };

struct name;

struct question {
    uint64_t number; /* 0: none */
    uint64_t mark, began_ms;
    uint64_t uploads_ended; /* of the account, when it began */
};

struct usage_account {
    struct usage_answers *all;
    unsigned references;      /* names, and those who have it open */
    struct question asking;   /* under way */
    struct question answered; /* the latest that was answered, with `usage` */
    struct usage usage;
    char fault[USAGE_FAULT_MAX];           /* of the latest question; "": it was answered */
    uint64_t uploads_begun, uploads_ended; /* so far */
};

struct usage_answers {
    pthread_mutex_t lock; /* protects all members, the names and the accounts */
    struct name *buckets[USAGE_BUCKETS];
    struct list by_use;
    size_t names;
    uint64_t questions; /* so far */
    struct list listeners;
};

#endif
