/* SPDX-License-Identifier: Apache-2.0 */
/* A doubly linked list of objects that have a `struct list` as a member. The head is a `struct
 * list`, too:
 *
 *     head <-> object.place <-> object.place <-> (the head again)
 *
 * A zero-initialised head is an empty list, and a zero-initialised member is in no list. An object
 * is in at most one list per member. Nothing is allocated, and no call fails. A head that has
 * objects, and an object in a list, must not move. */
#ifndef INTAKE_LIST_H
#define INTAKE_LIST_H

#include "intake/container.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

static inline bool list_is_linked(const struct list *place)
{
    return place->next != NULL;
}

static inline bool list_is_empty(const struct list *head)
{
    return !head->next || head->next == head;
}

/* Between `before` and what comes after it. */
static inline void list_link(struct list *before, struct list *place)
{
    assert(!list_is_linked(place));
    place->next = before->next;
    place->previous = before;
    before->next->previous = place;
    before->next = place;
}

static inline void list_prepare(struct list *head)
{
    if (!head->next)
        head->next = head->previous = head;
}

/* At the front. */
static inline void list_insert(struct list *head, struct list *place)
{
    list_prepare(head);
    list_link(head, place);
}

/* At the end. */
static inline void list_append(struct list *head, struct list *place)
{
    list_prepare(head);
    list_link(head->previous, place);
}

/* Out of the list that it is in. No effect if it is in none. */
static inline void list_remove(struct list *place)
{
    if (!list_is_linked(place))
        return;
    assert(place->next->previous == place && place->previous->next == place);
    place->next->previous = place->previous;
    place->previous->next = place->next;
    place->next = place->previous = NULL;
}

/* Removes the first one and returns it. NULL: the list is empty. */
static inline struct list *list_take_first(struct list *head)
{
    struct list *first = list_is_empty(head) ? NULL : head->next;
    if (first) {
        head->next = first->next;
        head->next->previous = head;
        first->next = first->previous = NULL;
    }
    return first;
}

/* NULL: there is no other one. */
static inline struct list *list_after(const struct list *head, const struct list *place)
{
    return place->next && place->next != head ? place->next : NULL;
}

#define LIST_OBJECT(place, type, member)                                                           \
    ({                                                                                             \
        struct list *place_ = (place);                                                             \
        place_ ? CONTAINER_OF(place_, type, member) : NULL;                                        \
    })

/* NULL: the list is empty. */
#define LIST_FIRST(head, type, member) LIST_OBJECT(list_after(head, head), type, member)
#define LIST_LAST(head, type, member)                                                              \
    LIST_OBJECT(list_is_empty(head) ? NULL : (head)->previous, type, member)

/* The same as list_take_first(), for the object. */
#define LIST_TAKE_FIRST(head, type, member) LIST_OBJECT(list_take_first(head), type, member)

/* NULL: it was the last one. */
#define LIST_NEXT(object, head, type, member)                                                      \
    LIST_OBJECT(list_after(head, &(object)->member), type, member)

/* For each object from the front. The body must not remove the current one. */
#define LIST_EACH(object, head, type, member)                                                      \
    for (type *object = LIST_FIRST(head, type, member); object;                                    \
         object = LIST_NEXT(object, head, type, member))

#endif
