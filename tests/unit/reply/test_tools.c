/* SPDX-License-Identifier: Apache-2.0 */
#include "reply/hints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* As the programs name themselves. */
static void client_is_known_by_its_user_agent(void **state)
{
    (void)state;
    static const struct {
        const char *user_agent, *words;
    } rows[] = {
        {NULL, "curl -T FILE"},
        {"", "curl -T FILE"},
        {"curl/8.14.1", "curl -T FILE"},
        {"openstacksdk/0.101.0 keystoneauth1/5.0.0 python-requests/2.28.1 CPython/3.11.2",
         "openstack image create --file FILE"},
        {"python-openstackclient", "openstack image create --file FILE"},
        {"python-glanceclient", "glance image-upload --file FILE"},
        {"PostmanRuntime/7.39.1", "Postman's Body > binary"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(tool_of(rows[i].user_agent)->words, rows[i].words);
}

static void each_client_has_every_command(void **state)
{
    (void)state;
    static const char *const names[] = {"curl", "openstack", "glanceclient", "PostmanRuntime"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct tool *tool = tool_of(names[i]);
        assert_true(*tool->words && *tool->nothing && *tool->then);
        for (size_t k = 0; k < TOOL_COMMANDS; k++) {
            assert_non_null(tool->commands[k]);
            assert_null(strstr(tool->commands[k], ", or "));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_is_known_by_its_user_agent),
        cmocka_unit_test(each_client_has_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
