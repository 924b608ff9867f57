/* SPDX-License-Identifier: Apache-2.0 */
/* What the logins of all workers share. */
#include "keystone/keystone_priv.h"

#include "intake/secret.h"
#include "intake/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OS_AUTH_URL is written with the version of the API and without. NULL: no memory. */
static char *url_of(const char *configured)
{
    static const char VERSION[] = "/v3";
    char *url = NULL;
    size_t length = strlen(configured);
    while (length && configured[length - 1] == '/')
        length--;
    bool has_version = length > strlen(VERSION) && strncmp(configured + length - strlen(VERSION),
                                                           VERSION, strlen(VERSION)) == 0;
    int written = asprintf(&url, "%.*s%s", (int)length, configured, has_version ? "" : VERSION);
    return written < 0 ? NULL : url;
}

struct keystone *keystone_new(const struct settings *settings)
{
    struct keystone *keystone = calloc(1, sizeof *keystone);
    if (!keystone)
        return NULL;
    const char *ca_file = settings->keystone.ca_file;
    keystone->url = url_of(settings->keystone.auth_url);
    keystone->ca_file = ca_file ? strdup(ca_file) : NULL;
    keystone->tokens = known_tokens_new();
    keystone->throttle = throttle_new();
    bool good = keystone->url && (keystone->ca_file || !ca_file) && keystone->tokens &&
                keystone->throttle && hash_key_make(&keystone->key);
    if (good)
        return keystone;
    keystone_free(keystone);
    return NULL;
}

void keystone_free(struct keystone *keystone)
{
    if (!keystone)
        return;
    throttle_free(keystone->throttle);
    known_tokens_free(keystone->tokens);
    free(keystone->ca_file);
    free(keystone->url);
    secret_free(keystone);
}
