/* SPDX-License-Identifier: Apache-2.0 */
/* The client programs, with the commands of each for hints. The texts have the placeholders of
 * hints.c. */
#include "reply/hints.h"

#include <string.h>

#define OPENSTACK_CREATE                                                                           \
    "openstack image create --disk-format {format} --container-format {container} --file {file} "  \
    "NAME"
#define OPENSTACK_SET                                                                              \
    "openstack image set --disk-format {format} --container-format {container} {image}"
#define POSTMAN                                                                                    \
    "In Postman, choose PUT, enter {url}, choose Body, then binary, and select the file {file}."

/* The last row is for all other clients. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long texts are joined */
static const struct tool TOOLS[] = {
    {"glanceclient",
     "glance image-upload --file FILE",
     "standard input was empty, or the file was; name the file with --file",
     " && ",
     {"glance image-upload --file {file} {image}", "glance image-stage --file {file} {image}",
      "glance image-create --disk-format {format} --container-format {container} --file {file} "
      "--name NAME",
      "glance image-update --disk-format {format} --container-format {container} {image}",
      "glance image-show {image}", "glance image-delete {image}", "glance usage"}},
    {"openstack",
     "openstack image create --file FILE",
     "standard input was empty, or the file was; name the file with --file",
     " && ",
     {OPENSTACK_CREATE, OPENSTACK_CREATE " --import", OPENSTACK_CREATE, OPENSTACK_SET,
      "openstack image show -c status {image}", "openstack image delete {image}",
      "openstack image list --long -c ID -c Name -c Size"}},
    {"PostmanRuntime",
     "Postman's Body > binary",
     "no file is selected under Body > binary",
     " and then: ",
     {POSTMAN, POSTMAN, OPENSTACK_CREATE, OPENSTACK_SET, "In Postman, choose GET, and enter {of}.",
      "In Postman, choose DELETE, and enter {of}.",
      "In Postman, choose GET, and enter {base}/v2/info/usage."}},
    {"",
     "curl -T FILE",
     "curl -d leaves nothing of a file of zeros",
     " && ",
     {TOOL_CURL, TOOL_CURL, OPENSTACK_CREATE, OPENSTACK_SET, "curl -H 'X-Auth-Token: TOKEN' {of}",
      "curl -X DELETE -H 'X-Auth-Token: TOKEN' {of}",
      "curl -H 'X-Auth-Token: TOKEN' {base}/v2/info/usage"}},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

const struct tool *tool_of(const char *user_agent)
{
    const struct tool *tool = TOOLS;
    while (!strcasestr(user_agent ? user_agent : "", tool->mark))
        tool++;
    return tool;
}
