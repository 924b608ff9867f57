/* SPDX-License-Identifier: Apache-2.0 */
/* From a member to the structure that it is embedded in: how a callback that gets a watch, a timer
 * or a task finds its object. */
#ifndef INTAKE_CONTAINER_H
#define INTAKE_CONTAINER_H

#include <assert.h>
#include <stddef.h>

/* The compiler checks that `pointer` points to the type of the member. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ({                                                                                             \
        __typeof__(((type *)NULL)->member) *member_ = (pointer);                                   \
        (type *)((char *)member_ - offsetof(type, member));                                        \
    })

/* The same for a type that begins its life with `tag` set to its own constant, and ends it with
 * OBJECT_GONE. Builds with assertions, which the tests use, then notice a member of another object,
 * and one of an object that was freed. */
#define TAGGED_CONTAINER_OF(pointer, type, member, expected)                                       \
    ({                                                                                             \
        type *object_ = CONTAINER_OF(pointer, type, member);                                       \
        assert(object_->tag == (expected));                                                        \
        object_;                                                                                   \
    })

/* Distinct values that are unlikely in other memory. */
enum object_tag {
    OBJECT_GONE = 0x60e3d1ad,
    OBJECT_CONNECTION = 0x0c0ec7ed,
    OBJECT_CLIENT = 0x0c11e3a7,
    OBJECT_SOCKET = 0x050c5e7b,
    OBJECT_TRANSFER = 0x07a25fe6
};

#endif
