/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin listener shows of the peers, and what it answers them. */
#include "cluster/cluster_priv.h"
#include "cluster/question.h"
#include "cluster/signature.h"
#include "intake/capacity.h"
#include "intake/clock.h"
#include "intake/quota_reservations.h"
#include "intake/snapshot.h"

#include <stdio.h>
#include <string.h>

bool cluster_read_key(const struct settings *settings, char key[KEY_MAX + 1], char *why,
                      size_t size)
{
    snprintf(why, size, "is not set");
    return settings->cluster.key_file && key_file_read(settings->cluster.key_file, key, why, size);
}

static bool current_key(const struct cluster *cluster, char key[KEY_MAX + 1])
{
    char why[128];
    struct snapshot *snapshot = cluster->parts.snapshot(cluster->parts.context);
    bool read = cluster_read_key(snapshot->settings, key, why, sizeof why);
    snapshot_release(snapshot);
    return read;
}

size_t cluster_look(struct cluster *cluster, struct peer_view out[PEERS_MAX])
{
    if (!cluster)
        return 0;
    pthread_mutex_lock(&cluster->lock);
    size_t count = cluster->count;
    for (size_t i = 0; i < count; i++)
        out[i] = cluster->peers[i].view;
    pthread_mutex_unlock(&cluster->lock);
    return count;
}

bool cluster_write_counts(struct cluster *cluster, struct buffer *out)
{
    struct counts counts;
    bool good =
        counts_begin(&counts) &&
        quota_reservations_tell(cluster->parts.quota_reservations, counts.quotas, &counts.stored) &&
        capacity_tell(cluster->parts.capacity, counts.stores, &counts.ended);
    memcpy(counts.process, cluster->process, sizeof counts.process);
    good = good && counts_write(&counts, out);
    counts_free(&counts);
    return good;
}

enum peer_question cluster_check_question(struct cluster *cluster, const char *path,
                                          const char *field)
{
    char key[KEY_MAX + 1];
    enum peer_question result = PEER_QUESTION_OFF;
    if (current_key(cluster, key))
        result = signature_fits_question(key, path, clock_wall_ms() / 1000, field)
                     ? PEER_QUESTION_GOOD
                     : PEER_QUESTION_FORGED;
    explicit_bzero(key, sizeof key);
    return result;
}

bool cluster_sign_answer(struct cluster *cluster, const char *field, const void *body, size_t size,
                         char out[PEER_SIGNATURE_MAX])
{
    char key[KEY_MAX + 1];
    bool good = current_key(cluster, key) && signature_of_answer(key, field, body, size, out);
    explicit_bzero(key, sizeof key);
    return good;
}

/* --- uploads of the peers -------------------------------------------------------------------- */

static size_t prepare_uploads(const struct peer_view *peers, size_t count,
                              struct question questions[PEERS_MAX])
{
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        if (peers[i].state != PEER_SELF)
            questions[asked++] =
                (struct question){.peer = peers[i].name, .fault = "there is no key to ask it with"};
    return asked;
}

void cluster_ask_uploads(struct cluster *cluster,
                         void (*visit)(const struct peer_uploads *uploads, void *context),
                         void *context)
{
    char key[KEY_MAX + 1];
    struct peer_view peers[PEERS_MAX];
    struct question questions[PEERS_MAX] = {0};
    size_t count = prepare_uploads(peers, cluster_look(cluster, peers), questions);
    CURLM *multi = count > 0 && current_key(cluster, key) ? curl_multi_init() : NULL;
    if (multi)
        questions_ask(multi, key, PEER_UPLOADS_PATH, PEER_UPLOADS_PATIENCE_MS, &cluster->stopping,
                      questions, count);
    for (size_t i = 0; i < count; i++) {
        const char *fault = questions[i].fault;
        visit(&(struct peer_uploads){.peer = questions[i].peer,
                                     .document = fault ? NULL : buffer_text(&questions[i].answer),
                                     .problem = fault},
              context);
    }
    questions_free(questions, count);
    curl_multi_cleanup(multi);
    explicit_bzero(key, sizeof key);
}
