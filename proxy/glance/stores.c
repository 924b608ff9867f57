/* SPDX-License-Identifier: Apache-2.0 */
/* Caches Glance's stores. One caller asks at a time. An upload that begins meanwhile does not wait
 * for the answer, and uses what was known before. */
#include "intake/stores.h"

#include "intake/buffer.h"
#include "intake/buffered_fetch.h"
#include "intake/clock.h"
#include "intake/log.h"
#include "intake/policy.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_TEXT_MAX = STORES_MAX * (POLICY_NAME_MAX + 2), SENTENCE_MAX = NAMES_TEXT_MAX + 128 };

/* Stores with longer names are ignored: neither a policy nor a client can name them here. */
struct names {
    size_t count;
    char rows[STORES_MAX][POLICY_NAME_MAX + 1];
};

struct stores {
    pthread_mutex_t lock;  /* protects all members below */
    struct names names;    /* empty: nothing is known */
    bool answered;         /* at least once */
    uint64_t answered_ms;  /* clock_ms() */
    uint64_t asking_until; /* clock_ms(); until then other callers do not ask */
    char algorithm[ALGORITHM_MAX + 1];
    uint64_t algorithm_asked_until; /* clock_ms(); until then nobody else asks for it */
    bool hides_stage_sizes;
    struct buffer last_text; /* the last logged text about missing stores */
};

struct stores *stores_new(void)
{
    struct stores *stores = calloc(1, sizeof *stores);
    if (!stores)
        return NULL;
    pthread_mutex_init(&stores->lock, NULL);
    buffer_init(&stores->last_text, SENTENCE_MAX);
    return stores;
}

void stores_free(struct stores *stores)
{
    if (!stores)
        return;
    buffer_free(&stores->last_text);
    pthread_mutex_destroy(&stores->lock);
    free(stores);
}

/* --- asking ---------------------------------------------------------------------------- */

bool stores_fresh(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    uint64_t now = clock_ms(); /* after the lock, so it is not earlier than answered_ms */
    bool fresh = (stores->answered && now - stores->answered_ms < STORES_FRESH_MS) ||
                 now < stores->asking_until;
    if (!fresh)
        stores->asking_until = now + FETCH_TIMEOUT_MS;
    pthread_mutex_unlock(&stores->lock);
    return fresh;
}

void stores_unanswered(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    stores->asking_until = 0;
    pthread_mutex_unlock(&stores->lock);
}

/* --- learning -------------------------------------------------------------------------- */

static void learn(struct stores *stores, const struct names *names)
{
    pthread_mutex_lock(&stores->lock);
    stores->names = *names;
    stores->answered = true;
    stores->answered_ms = clock_ms();
    stores->asking_until = 0;
    pthread_mutex_unlock(&stores->lock);
}

/* Glance does not list its internal stores. If it ever does, clients must not use them. */
static bool is_for_images(const char *name)
{
    return *name && strlen(name) <= POLICY_NAME_MAX && strncmp(name, "os_glance_", 10) != 0;
}

/* False: there are too many stores. An incomplete list would make existing stores look missing. */
static bool add_name(const json_t *row, struct names *names)
{
    const char *name = json_string_value(json_object_get(row, "id"));
    if (!name || !is_for_images(name))
        return true;
    if (names->count == STORES_MAX)
        return false;
    memcpy(names->rows[names->count++], name, strlen(name) + 1);
    return true;
}

static bool read_names(const json_t *document, struct names *names)
{
    size_t i;
    const json_t *row;
    names->count = 0;
    json_array_foreach(json_object_get(document, "stores"), i, row)
    {
        if (!add_name(row, names))
            return false;
    }
    return names->count > 0;
}

bool stores_learn(struct stores *stores, const char *json, size_t length)
{
    struct names names;
    json_t *document = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = read_names(document, &names);
    json_decref(document);
    if (good)
        learn(stores, &names);
    else
        stores_unanswered(stores);
    return good;
}

void stores_learn_nothing(struct stores *stores)
{
    static const struct names none;
    learn(stores, &none);
}

void stores_learn_algorithm(struct stores *stores, const char *algorithm)
{
    size_t length = strlen(algorithm);
    if (length > ALGORITHM_MAX)
        return;
    pthread_mutex_lock(&stores->lock);
    memcpy(stores->algorithm, algorithm, length + 1);
    pthread_mutex_unlock(&stores->lock);
}

bool stores_ask_algorithm(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    uint64_t now = clock_ms();
    bool ask = !stores->algorithm[0] && now >= stores->algorithm_asked_until;
    if (ask)
        stores->algorithm_asked_until = now + STORES_FRESH_MS;
    pthread_mutex_unlock(&stores->lock);
    return ask;
}

bool stores_learn_from_list(struct stores *stores, const char *json, size_t length)
{
    size_t i;
    const json_t *image;
    const char *algorithm = NULL;
    json_t *document = json_loadb(json, length, 0, NULL);
    json_array_foreach(json_object_get(document, "images"), i, image)
    {
        if (!algorithm)
            algorithm = json_string_value(json_object_get(image, "os_hash_algo"));
    }
    if (algorithm)
        stores_learn_algorithm(stores, algorithm);
    json_decref(document);
    return algorithm != NULL;
}

/* --- looking --------------------------------------------------------------------------- */

/* The caller holds the lock. */
static enum store_known look(const struct stores *stores, const char *name)
{
    const struct names *names = &stores->names;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->rows[i], name) == 0)
            return STORE_EXISTS;
    return names->count ? STORE_MISSING : STORE_UNKNOWN;
}

enum store_known stores_look(struct stores *stores, const char *name)
{
    pthread_mutex_lock(&stores->lock);
    enum store_known known = look(stores, name);
    pthread_mutex_unlock(&stores->lock);
    return known;
}

bool stores_list(struct stores *stores, struct buffer *out)
{
    pthread_mutex_lock(&stores->lock);
    bool fits = true;
    for (size_t i = 0; i < stores->names.count && fits; i++)
        fits = buffer_print(out, "%s%s", i ? ", " : "", stores->names.rows[i]);
    pthread_mutex_unlock(&stores->lock);
    return fits;
}

void stores_algorithm(struct stores *stores, char out[ALGORITHM_MAX + 1])
{
    pthread_mutex_lock(&stores->lock);
    memcpy(out, stores->algorithm, sizeof stores->algorithm);
    pthread_mutex_unlock(&stores->lock);
}

/* --- what the policy names and Glance does not have ------------------------------------ */

struct missing {
    struct stores *stores;
    size_t count;
    struct buffer names; /* "gold, silver" */
};

/* Names have neither comma nor blank, so a match between two of these is a whole name. */
static bool is_listed(const struct missing *missing, const char *name)
{
    size_t length = strlen(name);
    const char *text = buffer_text(&missing->names);
    for (const char *at = text; (at = strstr(at, name)); at += length)
        if ((at == text || at[-1] == ' ') && (!at[length] || at[length] == ','))
            return true;
    return false;
}

static void add_if_missing(const char *name, void *context)
{
    struct missing *missing = context;
    if (missing->count < STORES_MAX && stores_look(missing->stores, name) == STORE_MISSING &&
        !is_listed(missing, name) &&
        buffer_print(&missing->names, "%s%s", missing->count ? ", " : "", name))
        missing->count++;
}

static bool is_trusted(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    bool trusted = stores->answered && clock_ms() - stores->answered_ms < STORES_TRUSTED_MS;
    pthread_mutex_unlock(&stores->lock);
    return trusted;
}

size_t stores_missing(struct stores *stores, const struct policy *policy, struct buffer *out)
{
    struct missing missing = {.stores = stores};
    buffer_init(&missing.names, NAMES_TEXT_MAX);
    if (is_trusted(stores))
        policy_each_store(policy, add_if_missing, &missing);
    if (missing.count && out)
        buffer_print(out, "the policy names the store%s %s, which Glance does not have",
                     missing.count == 1 ? "" : "s", buffer_text(&missing.names));
    buffer_free(&missing.names);
    return missing.count;
}

/* True: the text differs from the last one. Stores it as the last one. */
static bool is_news(struct stores *stores, const struct buffer *text)
{
    pthread_mutex_lock(&stores->lock);
    bool news = strcmp(buffer_text(text), buffer_text(&stores->last_text)) != 0;
    buffer_clear(&stores->last_text);
    buffer_append(&stores->last_text, buffer_text(text), text->len);
    pthread_mutex_unlock(&stores->lock);
    return news;
}

void stores_tell_missing(struct stores *stores, const struct policy *policy)
{
    struct buffer text;
    buffer_init(&text, SENTENCE_MAX);
    size_t count = stores_missing(stores, policy, &text);
    if (is_news(stores, &text)) {
        if (count)
            log_say(LOG_LEVEL_ERROR, "%s", buffer_text(&text));
        else
            log_say(LOG_LEVEL_INFO,
                    "no store that the policy names is known to be missing any more");
    }
    buffer_free(&text);
}

/* --- stages ---------------------------------------------------------------------------- */

void stores_learn_stage_size(struct stores *stores, bool told)
{
    pthread_mutex_lock(&stores->lock);
    stores->hides_stage_sizes = !told;
    pthread_mutex_unlock(&stores->lock);
}

bool stores_tell_stage_sizes(struct stores *stores)
{
    pthread_mutex_lock(&stores->lock);
    bool told = !stores->hides_stage_sizes;
    pthread_mutex_unlock(&stores->lock);
    return told;
}
