/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks the peers, and what it knows of them. */
#include "cluster/cluster_priv.h"
#include "cluster/question.h"
#include "intake/capacity.h"
#include "intake/clock.h"
#include "intake/digest.h"
#include "intake/key_file.h"
#include "intake/log.h"
#include "intake/quota_reservations.h"
#include "intake/snapshot.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASLEEP_MS = 60000, PROCESS_BYTES = PROCESS_ID_MAX / 2 };

/* --- the peers that are configured ----------------------------------------------------------- */

static bool is_configured(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->cluster.peer_count; i++)
        if (strcmp(settings->cluster.peers[i], name) == 0)
            return true;
    return false;
}

static bool is_known(const struct cluster *cluster, const char *name)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (strcmp(cluster->peers[i].view.name, name) == 0)
            return true;
    return false;
}

static void remove_peer(struct cluster *cluster, size_t place)
{
    peer_free(&cluster->peers[place]);
    cluster->count--;
    memmove(&cluster->peers[place], &cluster->peers[place + 1],
            (cluster->count - place) * sizeof cluster->peers[0]);
}

static void add_peer(struct cluster *cluster, const char *name)
{
    if (cluster->count == PEERS_MAX || is_known(cluster, name))
        return;
    struct peer *peer = &cluster->peers[cluster->count++];
    *peer = (struct peer){0};
    snprintf(peer->view.name, sizeof peer->view.name, "%s", name);
}

/* Takes the peers of the settings. A peer that was there before keeps its state. */
static void configure(struct cluster *cluster, const struct settings *settings)
{
    pthread_mutex_lock(&cluster->lock);
    for (size_t i = cluster->count; i-- > 0;)
        if (!is_configured(settings, cluster->peers[i].view.name))
            remove_peer(cluster, i);
    for (size_t i = 0; i < settings->cluster.peer_count; i++)
        add_peer(cluster, settings->cluster.peers[i]);
    pthread_mutex_unlock(&cluster->lock);
}

/* --- the key --------------------------------------------------------------------------------- */

static void tell_key(struct cluster *cluster, bool read, const char *why)
{
    if (!read && !cluster->key_fault)
        log_say(LOG_LEVEL_WARNING, "[cluster] key_file %s: no other proxy is asked", why);
    cluster->key_fault = !read;
}

/* --- one round ------------------------------------------------------------------------------- */

static void hear(struct cluster *cluster, struct peer *peer, const struct question *question,
                 struct peer_news *news)
{
    struct counts counts;
    const char *fault = question->fault;
    bool good = counts_begin(&counts) && !fault &&
                counts_read(question->answer.data, question->answer.len, &counts);
    if (good) {
        struct peer_news one = peer_heard(peer, &counts, cluster->process, clock_ms());
        news->ended |= one.ended;
        news->stored += one.stored;
    } else {
        peer_missed(peer, fault ? fault : "its answer cannot be read", clock_ms());
    }
    counts_free(&counts);
}

/* Without memory for the sum, what was told before still counts. */
static void publish(struct cluster *cluster, const struct peer_news *news)
{
    struct counts sum;
    bool good = counts_begin(&sum);
    for (size_t i = 0; i < cluster->count && good; i++)
        good = peer_add(&cluster->peers[i], &sum);
    if (good) {
        capacity_hear(cluster->parts.capacity, sum.stores, news->ended);
        quota_reservations_hear(cluster->parts.quota_reservations, sum.quotas, news->stored);
        sum.stores = sum.quotas = NULL;
        cluster->counted = cluster->count > 0;
    }
    counts_free(&sum);
}

/* `key` NULL: there is none, and no peer is asked. */
static void ask_all(struct cluster *cluster, const char *key)
{
    struct question questions[PEERS_MAX] = {0};
    struct peer_news news = {0};
    for (size_t i = 0; i < cluster->count; i++)
        questions[i] = (struct question){.peer = cluster->peers[i].view.name,
                                         .fault = "there is no key to ask it with"};
    if (key)
        questions_ask(cluster->multi, key, PEER_COUNTS_PATH, PEER_PATIENCE_MS, &cluster->stopping,
                      questions, cluster->count);
    pthread_mutex_lock(&cluster->lock);
    for (size_t i = 0; i < cluster->count; i++)
        hear(cluster, &cluster->peers[i], &questions[i], &news);
    pthread_mutex_unlock(&cluster->lock);
    questions_free(questions, cluster->count);
    if (!atomic_load(&cluster->stopping))
        publish(cluster, &news);
}

/* Returns whether there are peers to ask again soon. */
static bool round_of_questions(struct cluster *cluster)
{
    char key[KEY_MAX + 1], why[128];
    struct snapshot *snapshot = cluster->parts.snapshot(cluster->parts.context);
    configure(cluster, snapshot->settings);
    bool read = cluster->count > 0 && cluster_read_key(snapshot->settings, key, why, sizeof why);
    snapshot_release(snapshot);
    if (cluster->count > 0)
        tell_key(cluster, read, why);
    if (cluster->count > 0)
        ask_all(cluster, read ? key : NULL);
    else if (cluster->counted)
        publish(cluster, &(struct peer_news){0});
    explicit_bzero(key, sizeof key);
    return cluster->count > 0;
}

/* --- the thread ------------------------------------------------------------------------------ */

static void sleep_until(struct cluster *cluster, uint64_t due)
{
    for (uint64_t now; (now = clock_ms()) < due;) {
        if (atomic_load(&cluster->stopping) || atomic_load(&cluster->reloaded))
            return;
        curl_multi_poll(cluster->multi, NULL, 0, (int)(due - now), NULL);
    }
}

static void *run(void *context)
{
    struct cluster *cluster = context;
    while (!atomic_load(&cluster->stopping)) {
        uint64_t begun = clock_ms();
        atomic_store(&cluster->reloaded, false);
        bool again = round_of_questions(cluster);
        sleep_until(cluster, begun + (again ? PEER_INTERVAL_MS : ASLEEP_MS));
    }
    return NULL;
}

static bool name_process(struct cluster *cluster)
{
    unsigned char random[PROCESS_BYTES];
    bool good = RAND_bytes(random, sizeof random) == 1;
    if (good)
        digest_hex(random, sizeof random, cluster->process);
    return good;
}

struct cluster *cluster_start(const struct cluster_parts *parts)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        return NULL;
    cluster->parts = *parts;
    cluster->multi = curl_multi_init();
    pthread_mutex_init(&cluster->lock, NULL);
    if (cluster->multi && name_process(cluster) &&
        pthread_create(&cluster->thread, NULL, run, cluster) == 0)
        return cluster;
    curl_multi_cleanup(cluster->multi);
    pthread_mutex_destroy(&cluster->lock);
    free(cluster);
    return NULL;
}

void cluster_reload(struct cluster *cluster)
{
    atomic_store(&cluster->reloaded, true);
    curl_multi_wakeup(cluster->multi);
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    atomic_store(&cluster->stopping, true);
    curl_multi_wakeup(cluster->multi);
    pthread_join(cluster->thread, NULL);
    curl_multi_cleanup(cluster->multi);
    for (size_t i = 0; i < cluster->count; i++)
        peer_free(&cluster->peers[i]);
    pthread_mutex_destroy(&cluster->lock);
    free(cluster);
}
