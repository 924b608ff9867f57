/* SPDX-License-Identifier: Apache-2.0 */
/* What Glance says of an image: the facts that the pre-flight judges by, and those that an upload
 * is compared with when it is over. */
#ifndef INTAKE_IMAGE_H
#define INTAKE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings are owned by the struct; NULL where Glance's JSON has null or nothing. */
struct image {
    char *id;
    char *status;
    char *disk_format;
    char *container_format;
    char *owner;
    char *name;
    char *visibility;

    bool size_known;
    uint64_t size;       /* bytes */
    char *os_hash_algo;  /* as Python's hashlib names it: "sha512" */
    char *os_hash_value; /* in hex, and so is the MD5 that is called `checksum` */
    char *checksum;
    char *stores; /* "file,test"; NULL: Glance has only one, without a name, or no data yet */
    char *vmware_disktype; /* "preallocated": the data of a vmdk are flat */
    char *hypervisor;      /* which one it is for, where that may want other data than disk_format
                            * says: "vmware", "xen", "hyperv"; NULL: no property tells of one */
    bool of_volumes;  /* block_device_mapping or bdm_v2 is set: Nova's snapshot of a server whose
                       * disks are volumes, an image that has properties and no data */
    char *sdk_sha256; /* owner_specified.openstack.sha256 and .md5: what openstacksdk read from */
    char *sdk_md5;    /* the file, or "" */

    bool no_memory; /* it could not be read for want of memory; nothing is wrong with it */
};

/* Reads the answer to GET /v2/images/{id}. False: not a JSON object with a "status" string
 * (or repeated keys, or nested too deeply), or no memory; `image` is then empty but for
 * `no_memory`. */
bool image_parse(const char *json, size_t length, struct image *image);

void image_free(struct image *image);

#endif
