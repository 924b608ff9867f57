/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct row {
    char name;
    struct list place;
};

static char names[64];

/* The names from the front. Each neighbour must agree. */
static const char *order(struct list *head)
{
    size_t count = 0;
    LIST_EACH(row, head, struct row, place) {
        assert_ptr_equal(row->place.next->previous, &row->place);
        assert_ptr_equal(row->place.previous->next, &row->place);
        names[count++] = row->name;
    }
    names[count] = '\0';
    return names;
}

static void a_zeroed_one_is_empty(void **state)
{
    (void)state;
    struct list head = {0};
    struct row row = {.name = 'a'};
    assert_true(list_is_empty(&head));
    assert_false(list_is_linked(&row.place));
    assert_string_equal(order(&head), "");
    assert_null(LIST_FIRST(&head, struct row, place));
    assert_null(LIST_LAST(&head, struct row, place));
    list_remove(&row.place);
    assert_false(list_is_linked(&row.place));
}

static void objects_go_to_the_front_or_to_the_end(void **state)
{
    (void)state;
    struct list head = {0};
    struct row rows[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    list_insert(&head, &rows[0].place);
    list_insert(&head, &rows[1].place);
    list_append(&head, &rows[2].place);
    list_append(&head, &rows[3].place);
    assert_string_equal(order(&head), "bacd");
    assert_int_equal(LIST_FIRST(&head, struct row, place)->name, 'b');
    assert_int_equal(LIST_LAST(&head, struct row, place)->name, 'd');
}

static void any_of_them_can_be_removed(void **state)
{
    (void)state;
    static const char *const without[] = {"bc", "ac", "ab"};
    for (size_t i = 0; i < 3; i++) {
        struct list head = {0};
        struct row rows[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
        for (size_t j = 0; j < 3; j++)
            list_append(&head, &rows[j].place);
        list_remove(&rows[i].place);
        list_remove(&rows[i].place);
        assert_string_equal(order(&head), without[i]);
        list_append(&head, &rows[i].place); /* and be put into a list again */
        assert_int_equal(strlen(order(&head)), 3);
        for (size_t j = 0; j < 3; j++)
            list_remove(&rows[j].place);
        assert_true(list_is_empty(&head));
        assert_string_equal(order(&head), "");
    }
}

static void an_object_moves_to_another_list(void **state)
{
    (void)state;
    struct list from = {0}, to = {0};
    struct row rows[] = {{.name = 'a'}, {.name = 'b'}};
    list_append(&from, &rows[0].place);
    list_append(&from, &rows[1].place);
    for (struct row *row; (row = LIST_TAKE_FIRST(&from, struct row, place));) {
        assert_false(list_is_linked(&row->place));
        list_append(&to, &row->place);
    }
    assert_null(LIST_TAKE_FIRST(&from, struct row, place));
    assert_true(list_is_empty(&from));
    assert_string_equal(order(&to), "ab");
}

struct tagged {
    char before[3];
    enum object_tag tag;
    struct list place;
};

static void a_member_leads_to_its_object(void **state)
{
    (void)state;
    struct tagged object = {.tag = OBJECT_CLIENT};
    assert_ptr_equal(CONTAINER_OF(&object.place, struct tagged, place), &object);
    assert_ptr_equal(TAGGED_CONTAINER_OF(&object.place, struct tagged, place, OBJECT_CLIENT),
                     &object);
}

#ifdef NDEBUG
static const bool asserts = false;
#else
static const bool asserts = true;
#endif

/* In a child process, which ends without a core file and without a message. */
static bool is_noticed(enum object_tag tag)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct tagged object = {.tag = tag};
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        (void)TAGGED_CONTAINER_OF(&object.place, struct tagged, place, OBJECT_CLIENT);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void another_object_or_none_is_noticed(void **state)
{
    (void)state;
    assert_false(is_noticed(OBJECT_CLIENT));
    assert_int_equal(is_noticed(OBJECT_SOCKET), asserts);
    assert_int_equal(is_noticed(OBJECT_GONE), asserts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_one_is_empty),
        cmocka_unit_test(objects_go_to_the_front_or_to_the_end),
        cmocka_unit_test(any_of_them_can_be_removed),
        cmocka_unit_test(an_object_moves_to_another_list),
        cmocka_unit_test(a_member_leads_to_its_object),
        cmocka_unit_test(another_object_or_none_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
