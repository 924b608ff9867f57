/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the cluster.
 *
 *     cluster.c    the thread that asks the peers
 *     answers.c    what the admin listener needs
 *     peer.c       one peer: what it has told last, and whether it is silent
 *     question.c   asks several peers at once (libcurl)
 *     signature.c  signs questions and answers
 *     counts.c     what is told, as JSON
 */
#ifndef CLUSTER_PRIV_H
#define CLUSTER_PRIV_H

#include "cluster/counts.h"
#include "cluster/peer.h"
#include "intake/cluster.h"
#include "intake/key_file.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

struct cluster {
    struct cluster_parts parts;
    char process[PROCESS_ID_MAX + 1]; /* of this process */
    pthread_t thread;
    CURLM *multi;
    atomic_bool stopping, reloaded;
    bool counted;         /* something of peers counts at the moment; only of the thread */
    bool key_fault;       /* it is in the log; only of the thread */
    pthread_mutex_t lock; /* protects the next members, which only the thread changes */
    struct peer peers[PEERS_MAX];
    size_t count;
};

/* False: there is no key; `why` is a clause. The caller erases the key. */
bool cluster_read_key(const struct settings *settings, char key[KEY_MAX + 1], char *why,
                      size_t size);

#endif
