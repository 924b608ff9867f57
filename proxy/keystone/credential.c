/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the credential of a request. */
#include "keystone/credential.h"

#include "intake/headers.h"
#include "intake/secret.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Keystone's ids of application credentials: a UUID without hyphens. */
enum { APPLICATION_ID = 32 };

static const char DEFAULT_DOMAIN[] = "Default";

/* --- the value of Authorization -------------------------------------------------------------- */

/* What follows "Basic" and its blanks; NULL: another scheme. */
static const char *basic_value(const char *authorization)
{
    size_t length = strlen("Basic");
    if (!authorization || strncasecmp(authorization, "Basic", length) != 0 ||
        authorization[length] != ' ')
        return NULL;
    return authorization + length + strspn(authorization + length, " ");
}

/* How many bytes the base64 of `length` characters stands for, given its padding; 0: none. */
static size_t decoded_size(const char *text, size_t length)
{
    size_t padding = length - strcspn(text, "=");
    bool whole = length && length % 4 == 0 && padding <= 2 &&
                 strspn(text + length - padding, "=") == padding;
    return whole ? length / 4 * 3 - padding : 0;
}

/* Returns `user:password`, or NULL without memory. "" if it is not base64 of text without NULs.
 * EVP_DecodeBlock() takes padding for bytes, and blanks around the text for nothing. */
static char *decode(const char *text)
{
    size_t length = strlen(text);
    size_t size = strpbrk(text, " \t") ? 0 : decoded_size(text, length);
    char *out = malloc(length + 1);
    if (!out)
        return NULL;
    if (size && EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length) < 0)
        size = 0;
    out[size] = '\0';
    if (strlen(out) != size)
        secret_wipe(out);
    return out;
}

/* Well-formed, and without control characters (RFC 7617 2). Characters that are only not printable,
 * such as a direction mark, may be in a password. */
static bool is_text(const char *text)
{
    static const char CONTROLS[] = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27"
                                   "\30\31\32\33\34\35\36\37\177";
    json_t *utf8 = json_string(text); /* NULL: it is not */
    bool good = utf8 && !strpbrk(text, CONTROLS);
    json_decref(utf8);
    return good;
}

/* --- its parts ------------------------------------------------------------------------------- */

static bool is_application_id(const char *name)
{
    return strlen(name) == APPLICATION_ID && strspn(name, "0123456789abcdef") == APPLICATION_ID;
}

/* Splits `name@domain` at its last @. */
static bool take_user(struct credential *out, const char *domain)
{
    char *at = strrchr(out->name, '@');
    if (at)
        *at = '\0';
    out->kind = CREDENTIAL_PASSWORD;
    out->domain = strdup(at ? at + 1 : domain ? domain : DEFAULT_DOMAIN);
    return out->domain;
}

/* False: no memory. */
static bool take_parts(struct credential *out, const char *text, const char *domain)
{
    const char *colon = strchr(text, ':');
    out->name = strndup(text, (size_t)(colon - text));
    out->secret = strdup(colon + 1);
    if (!out->name || !out->secret)
        return false;
    if (domain || !is_application_id(out->name))
        return take_user(out, domain);
    out->kind = CREDENTIAL_APPLICATION;
    out->domain = strdup("");
    return out->domain;
}

static enum refusal read_basic(const char *value, const char *domain, struct credential *out,
                               const char **detail)
{
    char *text = decode(value);
    if (!text)
        return REFUSAL_OUT_OF_MEMORY;
    enum refusal refusal = REFUSAL_BAD_REQUEST;
    if (!strchr(text, ':'))
        *detail = "Authorization is not Basic with the base64 of user:password";
    else if (!is_text(text))
        *detail = "user and password in Authorization are not UTF-8, or have a control character";
    else
        refusal = take_parts(out, text, domain) ? REFUSAL_NONE : REFUSAL_OUT_OF_MEMORY;
    secret_free(text);
    return refusal;
}

static enum refusal read_token(const char *token, struct credential *out)
{
    out->kind = CREDENTIAL_TOKEN;
    out->name = strdup("");
    out->domain = strdup("");
    out->secret = strdup(token);
    return out->name && out->domain && out->secret ? REFUSAL_NONE : REFUSAL_OUT_OF_MEMORY;
}

/* Keystone would refuse an empty one, and count it against the user. */
static enum refusal check_parts(const struct credential *credential, const char **detail)
{
    bool user = credential->kind == CREDENTIAL_PASSWORD;
    if (*credential->secret && (!user || (*credential->name && *credential->domain)))
        return REFUSAL_NONE;
    *detail = *credential->secret ? "it has no user, or an empty domain" : "it has no password";
    return REFUSAL_LOGIN_FAILED;
}

static bool take_project(const struct login_request *request, struct credential *out)
{
    out->project = strdup(request->project ? request->project : "");
    out->project_domain = strdup(request->domain ? request->domain : "");
    return out->project && out->project_domain;
}

/* With two of them, another server might read the other one. */
static bool is_ambiguous(const struct headers *headers)
{
    return headers_count(headers, "Authorization") > 1 ||
           headers_count(headers, "X-Auth-Token") > 1;
}

static enum refusal read_any(const struct login_request *request, const char *basic,
                             struct credential *out, const char **detail)
{
    const char *token = headers_get(request->headers, "X-Auth-Token");
    if (is_ambiguous(request->headers)) {
        *detail = "it has Authorization or X-Auth-Token twice";
        return REFUSAL_BAD_REQUEST;
    }
    if (!basic && !token)
        return REFUSAL_LOGIN_REQUIRED;
    if (!take_project(request, out))
        return REFUSAL_OUT_OF_MEMORY;
    return token ? read_token(token, out) : read_basic(basic, request->domain, out, detail);
}

enum refusal credential_read(const struct login_request *request, struct credential *out,
                             const char **detail)
{
    const char *basic = basic_value(headers_get(request->headers, "Authorization"));
    *out = (struct credential){0};
    *detail = NULL;
    if (basic && !request->secure)
        return REFUSAL_PASSWORD_OVER_PLAIN_HTTP;
    enum refusal refusal = read_any(request, basic, out, detail);
    return refusal ? refusal : check_parts(out, detail);
}

void credential_free(struct credential *credential)
{
    secret_free(credential->name);
    secret_free(credential->domain);
    secret_free(credential->secret);
    secret_free(credential->project);
    secret_free(credential->project_domain);
    *credential = (struct credential){0};
}
