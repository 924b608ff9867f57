/* SPDX-License-Identifier: Apache-2.0 */
#include "reply/hints.h"

#include "intake/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define URL   "https://images.example.org:9292/v2/images/7ba7a3d1/file"
#define OF    "https://images.example.org:9292/v2/images/7ba7a3d1"
#define TOKEN "-H 'X-Auth-Token: TOKEN' "

static const struct refusal_context UPLOAD = {.image_id = "7ba7a3d1",
                                              .request_id = "req-1",
                                              .url = URL,
                                              .disk_format = "vhd",
                                              .container_format = "ovf",
                                              .upload = true};

static void assert_filled(const char *text, const struct refusal_context *context,
                          const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(hints_fill_in(text, context, &out));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

/* It begins with a program's name. */
static bool is_command(const char *hint)
{
    static const char *const programs[] = {"curl ", "glance ", "openstack ", "qemu-img ",
                                           "sha256sum "};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (!strncmp(hint, programs[i], strlen(programs[i])))
            return true;
    return false;
}

/* As they name themselves. */
static void hint_shows_the_clients_own_command(void **state)
{
    (void)state;
    static const char CURL[] = "curl/7.88.1",
                      OPENSTACK[] = "openstacksdk/0.101.0 keystoneauth1/5.0",
                      GLANCE[] = "python-glanceclient", POSTMAN[] = "PostmanRuntime/7.39.0";
    static const struct {
        const char *user_agent, *text, *told;
    } rows[] = {
        {NULL, "{upload}", "curl -T FILE " TOKEN URL},
        {"Go-http-client/1.1", "{upload}", "curl -T FILE " TOKEN URL},
        {CURL, "{upload}", "curl -T FILE " TOKEN URL},
        {OPENSTACK, "{upload}",
         "openstack image create --disk-format vhd --container-format ovf --file FILE NAME"},
        {GLANCE, "{upload}", "glance image-upload --file FILE 7ba7a3d1"},
        {POSTMAN, "{upload}",
         "In Postman, choose PUT, enter " URL ", choose Body, then binary, and select the file "
         "FILE."},
        {GLANCE, "{curl}", "curl -T FILE " TOKEN URL},
        {CURL, "x{then}{upload_copy}", "x && curl -T COPY " TOKEN URL},
        {GLANCE, "x{then}{upload_copy}", "x && glance image-upload --file COPY 7ba7a3d1"},
        {CURL, "{show}", "curl " TOKEN OF},
        {OPENSTACK, "{show}", "openstack image show -c status 7ba7a3d1"},
        {GLANCE, "{show}", "glance image-show 7ba7a3d1"},
        {CURL, "{delete}", "curl -X DELETE " TOKEN OF},
        {OPENSTACK, "{delete}", "openstack image delete 7ba7a3d1"},
        {GLANCE, "{delete}", "glance image-delete 7ba7a3d1"},
        {CURL, "{usage}", "curl " TOKEN "https://images.example.org:9292/v2/info/usage"},
        {GLANCE, "{set}", "glance image-update --disk-format vhd --container-format ovf 7ba7a3d1"},
        {OPENSTACK, "{tool}", "openstack image create --file FILE"},
        {POSTMAN, "{tool}", "Postman's Body > binary"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal_context context = UPLOAD;
        context.user_agent = rows[i].user_agent;
        assert_filled(rows[i].text, &context, rows[i].told);
    }
}

static void hint_for_stage_uses_stage(void **state)
{
    (void)state;
    struct refusal_context context = UPLOAD;
    context.url = "http://h/v2/images/7ba7a3d1/stage";
    assert_filled("{upload}", &context, "curl -T FILE " TOKEN "http://h/v2/images/7ba7a3d1/stage");
    context.user_agent = "python-glanceclient";
    assert_filled("{upload}", &context, "glance image-stage --file FILE 7ba7a3d1");
    context.user_agent = "openstacksdk/1.0";
    assert_filled("{upload}", &context,
                  "openstack image create --disk-format vhd --container-format ovf --file FILE "
                  "NAME --import");
}

static void hint_has_the_formats_of_the_image(void **state)
{
    (void)state;
    static const struct {
        const char *disk, *container, *text, *told;
    } rows[] = {
        {NULL, NULL, "{format} {container} {qemu}", "FORMAT bare FORMAT"},
        {"vhd", "ovf", "{format} {container} {qemu}", "vhd ovf vpc"},
        {"ami", "ami", "{qemu}", "raw"},
        {"qcow2", "bare", "{qemu}", "qcow2"},
        {"x; reboot", "$(x)", "{format} {container}", "FORMAT bare"},
        {"qcow2", "bare", "{shrink}",
         "qemu-img convert -c -O qcow2 FILE COPY && curl -T COPY " TOKEN URL},
        {"vmdk", "bare", "{shrink}",
         "qemu-img convert -O vmdk -o subformat=streamOptimized FILE COPY && curl -T COPY " TOKEN
             URL},
        {"raw", "bare", "{shrink}",
         "qemu-img convert -c -O qcow2 FILE COPY && openstack image create --disk-format qcow2 "
         "--container-format bare --file COPY NAME"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal_context context = UPLOAD;
        context.disk_format = rows[i].disk;
        context.container_format = rows[i].container;
        assert_filled(rows[i].text, &context, rows[i].told);
    }
}

static void hint_sets_the_format_found(void **state)
{
    (void)state;
    static const struct {
        const char *detail, *told;
    } rows[] = {
        {"declared vhd, but this is qcow2: create the image with --disk-format qcow2",
         "openstack image create --disk-format qcow2 --container-format ovf --file FILE NAME"},
        {"declared an OVA: create the image with --container-format bare",
         "openstack image create --disk-format vhd --container-format bare --file FILE NAME"},
        {"this is a web page", "curl -T FILE " TOKEN URL},
        {NULL, "curl -T FILE " TOKEN URL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal_context context = UPLOAD;
        context.detail = rows[i].detail;
        assert_filled("{right}", &context, rows[i].told);
    }
}

static void hint_decompresses_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *detail, *agent, *told;
    } rows[] = {
        {"declared raw, but this is xz: decompress it first", NULL,
         "xz -dc FILE >COPY && curl -T COPY " TOKEN URL},
        {"it looks like a zip archive: decompress it first", "python-glanceclient",
         "unzip -p FILE >COPY && glance image-upload --file COPY 7ba7a3d1"},
        {"its gzip data is a tar without a file", NULL, "curl -T FILE " TOKEN URL},
        {NULL, NULL, "curl -T FILE " TOKEN URL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal_context context = UPLOAD;
        context.detail = rows[i].detail;
        context.user_agent = rows[i].agent;
        assert_filled("{decompress}", &context, rows[i].told);
    }
}

/* The hint converts the file first if needed, and never takes text from the file as a command. */
static void hint_converts_what_glance_would_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *detail, *told;
    } rows[] = {
        {"no fixed one: convert it with qemu-img convert -f vpc -O vpc FILE COPY",
         "qemu-img convert -f vpc -O vpc FILE COPY && curl -T COPY " TOKEN URL},
        {"no disk: convert it with qemu-img convert -f raw -O qcow2 FILE COPY and create the image "
         "with --disk-format qcow2",
         "qemu-img convert -f raw -O qcow2 FILE COPY && openstack image create --disk-format qcow2 "
         "--container-format ovf --file COPY NAME"},
        {"Glance sees vhdx in it: create the image with --disk-format vhdx",
         "openstack image create --disk-format vhdx --container-format ovf --file FILE NAME"},
        {"no line 'qemu-img convert $(x) FILE COPY': qemu-img convert -O vmdk FILE COPY",
         "qemu-img convert -O vmdk FILE COPY && curl -T COPY " TOKEN URL},
        {"Glance sees several formats in it", "curl -T FILE " TOKEN URL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal_context context = UPLOAD;
        context.detail = rows[i].detail;
        context.for_glance = true;
        assert_filled("{right}", &context, rows[i].told);
    }
    struct refusal_context context = UPLOAD;
    context.detail = "this is the text of a file path: qemu-img convert $(x) FILE COPY";
    assert_filled("{right}", &context, "curl -T FILE " TOKEN URL);
}

static void hint_shows_the_image_only_for_an_upload(void **state)
{
    (void)state;
    struct refusal_context context = UPLOAD;
    assert_filled(
        "{afterwards}", &context,
        "Look at the image: if it is queued, upload again; while it is saving, Glance may "
        "still be busy with it.");
    assert_filled("{look}", &context, "curl " TOKEN OF);
    context.upload = false;
    assert_filled("{afterwards}{look}", &context, "Try again in a moment.Try again in a moment.");
}

static bool can_be_pasted(const char *hint)
{
    const char *words = strstr(hint, " and then: "); /* of Postman */
    const char *comma = strchr(hint, ',');
    bool listed = is_command(hint) && comma && (!words || comma < words);
    return *hint && !strpbrk(hint, "{}") && !strstr(hint, "...") && !listed;
}

static void check_hint(enum refusal refusal, const struct refusal_context *context)
{
    const struct refusal_row *row = refusal_row(refusal);
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(hints_fill_in(row->hint, context, &out));
    if (!can_be_pasted(buffer_text(&out)))
        fail_msg("%s: %s", row->name, buffer_text(&out));
    buffer_free(&out);
}

/* Every row's hint, as every kind of client gets it. */
static void every_hint_is_a_valid_shell_command(void **state)
{
    (void)state;
    static const char *const clients[] = {"curl/8", "openstacksdk/1", "glanceclient",
                                          "PostmanRuntime/7"};
    struct refusal_context known[3] = {{.request_id = "req-1"}, UPLOAD, UPLOAD};
    known[2].detail = "declared vhd, but this is raw: create the image with --disk-format raw";
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
        for (size_t k = 0; k < sizeof clients / sizeof *clients; k++)
            for (size_t n = 0; n < sizeof known / sizeof *known; n++) {
                known[n].user_agent = clients[k];
                check_hint((enum refusal)i, &known[n]);
            }
}

/* Text from outside is not expanded again. */
static void particulars_are_not_expanded(void **state)
{
    (void)state;
    struct refusal_context context = UPLOAD;
    context.detail = "{upload}{detail}";
    assert_filled("it is so{detail}.", &context, "it is so: {upload}{detail}.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hint_shows_the_clients_own_command),
        cmocka_unit_test(hint_for_stage_uses_stage),
        cmocka_unit_test(hint_has_the_formats_of_the_image),
        cmocka_unit_test(hint_sets_the_format_found),
        cmocka_unit_test(hint_decompresses_the_file),
        cmocka_unit_test(hint_converts_what_glance_would_refuse),
        cmocka_unit_test(hint_shows_the_image_only_for_an_upload),
        cmocka_unit_test(every_hint_is_a_valid_shell_command),
        cmocka_unit_test(particulars_are_not_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
