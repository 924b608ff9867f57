/* SPDX-License-Identifier: Apache-2.0 */
/* The error that means lack of memory, as opposed to bad input. A parser that returns an error as a
 * clause returns this one if it ran out of memory. Callers compare the address: the client must not
 * be told that its request is wrong. */
#ifndef INTAKE_MEMORY_H
#define INTAKE_MEMORY_H

extern const char NO_MEMORY[];

#endif
