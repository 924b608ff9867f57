/* SPDX-License-Identifier: Apache-2.0 */
/* Lack of memory, told apart from bad input: a parser that returns a fault as a clause returns this
 * one when it had no memory to read on. Callers compare the address, since the client did nothing
 * wrong and must not be told so. */
#ifndef INTAKE_MEMORY_H
#define INTAKE_MEMORY_H

extern const char NO_MEMORY[];

#endif
