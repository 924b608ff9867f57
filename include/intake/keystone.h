/* SPDX-License-Identifier: Apache-2.0 */
/* The Keystone at which the users of this proxy log in, and what all workers know of these logins:
 * the tokens that it gave, and the logins that failed. */
#ifndef INTAKE_KEYSTONE_H
#define INTAKE_KEYSTONE_H

struct keystone;
struct settings;

/* Copies what it needs from [keystone], so a reload does not change it. NULL: no memory, or no
 * random numbers. Owned by the caller. */
struct keystone *keystone_new(const struct settings *settings);

/* Wipes the tokens. All logins must have ended. NULL is fine. */
void keystone_free(struct keystone *keystone);

#endif
