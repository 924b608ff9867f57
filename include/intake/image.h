/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what Glance says of an image: the facts that the preflight needs, and those that an upload
 * is compared with at its end. */
#ifndef INTAKE_IMAGE_H
#define INTAKE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The struct owns its strings. NULL: Glance's JSON has null, no string, or no such key. */
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
    char *os_hash_algo;  /* the name in Python's hashlib: "sha512" */
    char *os_hash_value; /* in hexadecimal digits */
    char *checksum;      /* MD5 in hexadecimal digits */
    char *stores; /* "file,test"; NULL: Glance has one store without a name, or no data yet */
    char *vmware_disktype; /* "preallocated": the data of a vmdk is flat */
    char *hypervisor; /* the hypervisor of the image, if it may need other data than disk_format
                       * says: "vmware", "xen", "hyperv"; NULL: no property names one */
    bool of_volumes;  /* block_device_mapping or bdm_v2 is set: Nova's snapshot of a server whose
                       * disks are volumes. Such an image has properties and no data. */
    char *
        sdk_sha256; /* owner_specified.openstack.sha256: openstacksdk's digest of the file, or "" */
    char *sdk_md5;  /* likewise owner_specified.openstack.md5 */

    bool no_memory; /* the answer could not be read because memory was missing */
};

/* Reads the answer to GET /v2/images/{id}. The caller calls image_free(). False: it is not a JSON
 * object with a string "status", has repeated keys, or is nested too deeply; or there is no memory.
 * Then `image` is empty except `no_memory`. */
bool image_parse(const char *json, size_t length, struct image *image);

void image_free(struct image *image);

#endif
