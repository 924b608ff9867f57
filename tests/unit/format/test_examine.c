/* SPDX-License-Identifier: Apache-2.0 */
/* Images made by common tools, examined completely, and limits that hold for any input. */
#include "support/examined.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB_8 (UINT64_C(8) << 20)
#define VPC_8 UINT64_C(8390656) /* 8 MiB in whole cylinders */

/* `make` runs in the scratch directory, where `src` is a disk of 8 MiB, and leaves `image`. */
static const struct made {
    const char *make;
    const char *disk_format;
    const char *seen;
    uint64_t size;
    const char *unsafe;
    unsigned cut; /* without so many KiB at its end it is truncated; 0: that cannot be seen */
} MADE[] = {
    {"convert -O qcow2 -o compat=0.10 src image", "qcow2", "qcow2", MIB_8, NULL, 0},
    {"convert -O qcow2 src image", "qcow2", "qcow2", MIB_8, NULL, 400},
    {"convert -c -O qcow2 src image", "qcow2", "qcow2", MIB_8, NULL, 0},
    {"convert -c -O qcow2 -o compression_type=zstd src image", "qcow2", "qcow2", MIB_8, NULL, 0},
    {"convert -O qcow2 -o extended_l2=on,cluster_size=128k src image", "qcow2", "qcow2", MIB_8,
     NULL, 0},
    {"convert -O qcow2 -o cluster_size=512 src image", "qcow2", "qcow2", MIB_8, NULL, 0},
    {"convert -O qcow2 -o cluster_size=2M,lazy_refcounts=on src image", "qcow2", "qcow2", MIB_8,
     NULL, 0},
    {"convert -O qcow2 -o refcount_bits=1,preallocation=metadata src image", "qcow2", "qcow2",
     MIB_8, NULL, 0},
    {"create -f qcow2 image 8M && qemu-img snapshot -c one image", "qcow2", "qcow2", MIB_8, NULL,
     0},
    {"create -f qcow2 image 512", "qcow2", "qcow2", 512, NULL, 0},
    {"create -f qcow2 image 60T", "qcow2", "qcow2", UINT64_C(60) << 40, NULL, 0},
    {"create -f qcow2 -b src -F raw image", "qcow2", "qcow2", MIB_8, "it has a backing file, src",
     0},
    {"create -f qcow2 -o data_file=data image 8M", "qcow2", "qcow2", MIB_8,
     "it keeps its data in another file, data", 0},
    {"create -f qcow image 8M", "qcow", "qcow", MIB_8, NULL, 0},
    {"create -f qcow -b src -F raw image", "raw", "qcow", MIB_8, "a backing file", 0},
    {"create -f qed image 8M", "qed", "qed", MIB_8, NULL, 0},
    {"create -f qed -b src -F raw image", "raw", "qed", MIB_8, "it has a backing file, src", 0},
    {"convert -O vmdk src image", "vmdk", "vmdk", MIB_8, NULL, 0},
    {"convert -O vmdk -o subformat=streamOptimized src image", "vmdk", "vmdk", MIB_8, NULL, 0},
    {"convert -O vmdk -o compat6 src image", "vmdk", "vmdk", MIB_8, NULL, 0},
    {"convert -O vmdk -o subformat=monolithicFlat src image", "vmdk", "vmdk", 0,
     "its createType is monolithicFlat", 0},
    {"convert -O vmdk -o subformat=twoGbMaxExtentSparse src image", "vmdk", "vmdk", 0,
     "its createType is twoGbMaxExtentSparse", 0},
    {"convert -O vmdk -o subformat=twoGbMaxExtentSparse src x.vmdk && mv x-s001.vmdk "
     "image",
     "vmdk", "vmdk", MIB_8, "it is a part of another image", 0},
    {"convert -O vmdk -o subformat=twoGbMaxExtentFlat src image", "vmdk", "vmdk", 0,
     "its createType is twoGbMaxExtentFlat", 0},
    {"convert -O vmdk src base && create -f vmdk -b base -F vmdk image", "vmdk", "vmdk", MIB_8,
     "it has a parent image", 0},
    {"convert -O vpc src image", "vhd", "vhd", VPC_8, NULL, 1},
    {"convert -O vpc -o subformat=fixed src image", "vhd", "vhd", VPC_8, NULL, 0},
    {"convert -O vpc -o subformat=fixed,force_size=on src image", "vhd", "vhd", MIB_8, NULL, 0},
    {"convert -O vpc -o subformat=fixed src image", "raw", "mbr", 0, NULL, 0},
    {"convert -O vhdx src image", "vhdx", "vhdx", MIB_8, NULL, 1024},
    {"convert -O vhdx -o subformat=fixed src image", "vhdx", "vhdx", MIB_8, NULL, 1},
    {"convert -O vdi src image", "vdi", "vdi", MIB_8, NULL, 1},
    {"convert -O vdi -o static=on src image", "vdi", "vdi", MIB_8, NULL, 1},
    {"convert -O parallels src image", "ploop", "ploop", MIB_8, NULL, 0},
    {"truncate -s 20M image && luks luks1 image", "raw", "luks", 0, NULL, 0},
    {"truncate -s 20M image && luks luks2 --pbkdf pbkdf2 image", "raw", "luks", 0, NULL, 0},
    {"genisoimage -quiet -o image src", "iso", "iso", 0, NULL, 400},
    {"genisoimage -quiet -udf -R -J -o image src", "iso", "iso", 0, NULL, 0},
    {"mv src image", "raw", "mbr", 0, NULL, 0},
    {"echo label: gpt | sfdisk -q src && mv src image", "raw", "gpt", 0, NULL, 1},
    {"gzip -c src >image", "raw", "gzip", 0, NULL, 0},
    {"bzip2 -c src >image", "raw", "bzip2", 0, NULL, 0},
    {"xz -0 -c src >image", "raw", "xz", 0, NULL, 0},
    {"zstd -q -c src >image", "raw", "zstd", 0, NULL, 0},
    {"touch a.ovf && tar -cf image a.ovf src", "raw", "ova", 0, NULL, 0},
    {"touch a.ovf && tar -H pax -cf image a.ovf src", "raw", "ova", 0, NULL, 0},
    {"touch a.ovf && tar -cf image src a.ovf", "raw", "tar", 0, NULL, 0},
    {"head -c 1M /dev/urandom >image", "raw", NULL, 0, NULL, 0},
    {"truncate -s 1M image", "raw", NULL, 0, NULL, 0},
    {"cp /bin/sh image", "raw", "elf", 0, NULL, 0},
};

/* A disk with some data and an MBR. Nothing is flushed: it need not last. */
static void run(void **state, const char *make)
{
    static const char before[] = "PATH=$PATH:/usr/sbin\n"
                                 "convert() { qemu-img convert -t unsafe \"$@\"; }\n"
                                 "create() { qemu-img create -q \"$@\"; }\n"
                                 "luks() { echo x | cryptsetup luksFormat -q "
                                 "--pbkdf-force-iterations 1000 --type \"$@\" -; }\n"
                                 "rm -f -- * && seq 100000 >src && truncate -s 8M src && "
                                 "printf '\\125\\252' | dd of=src bs=1 seek=510 conv=notrunc "
                                 "status=none";
    char *command;
    const struct scratch *scratch = *state;
    if (asprintf(&command, "cd '%s' || exit\n%s && %s", scratch->dir, before, make) < 0)
        abort();
    int status = system(command);
    free(command);
    if (status != 0)
        fail_msg("%s: status %d", make, status);
}

static void images_made_by_tools_are_recognized(void **state)
{
    for (size_t i = 0; i < sizeof MADE / sizeof *MADE; i++) {
        run(state, MADE[i].make);
        int file = open(scratch_path(state, "image"), O_RDONLY | O_CLOEXEC);
        off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
        assert_true(size > 0);
        void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);
        assert_ptr_not_equal(bytes, MAP_FAILED);
        struct examined_row row = {MADE[i].make, {(uint64_t)size, {{0, bytes, (size_t)size}}},
                                   MADE[i].seen, MADE[i].size,
                                   NULL,         MADE[i].unsafe};
        examined_check(&row, MADE[i].disk_format);
        examined_end(row.what, &row.body, MADE[i].disk_format, NULL);
        if (MADE[i].cut) {
            row.body.size -= MADE[i].cut * UINT64_C(1024);
            examined_end(row.what, &row.body, MADE[i].disk_format, "it");
        }
        munmap(bytes, (size_t)size);
        close(file);
    }
}

static void empty_body_has_no_format(void **state)
{
    (void)state;
    static const char *const declared[] = {"raw", "qcow2", "vmdk", "vhd", "vhdx", "iso", ""};
    for (size_t i = 0; i < sizeof declared / sizeof *declared; i++) {
        struct format_examination examination;
        memset(&examination, 0xFF, sizeof examination);
        format_examine(NULL, 0, declared[i], FORMAT_LENGTH_UNKNOWN, &examination);
        assert_null(examination.seen);
        assert_string_equal(examination.broken, "");
        assert_string_equal(examination.unsafe, "");
        assert_false(examination.virtual_size_known);
        assert_int_equal(examination.next.length, 0);
    }
}

static void range_not_requested_is_ignored(void **state)
{
    (void)state;
    struct format_examination examination;
    format_examine("\x01", 1, "raw", FORMAT_LENGTH_UNKNOWN, &examination);
    format_examine_more(&examination, "conectix", 8);
    assert_null(examination.seen);
}

static void empty_range_ends_the_examination(void **state)
{
    (void)state;
    static const char opening[FORMAT_OPENING] = "vhdxfile";
    struct format_examination examination;
    format_examine(opening, sizeof opening, "raw", FORMAT_LENGTH_UNKNOWN, &examination);
    assert_int_equal(examination.next.offset, 192 * 1024);
    format_examine_more(&examination, NULL, 0);
    assert_int_equal(examination.next.offset, 256 * 1024);
    format_examine_more(&examination, NULL, 0);
    assert_int_equal(examination.next.length, 0);
    assert_string_not_equal(examination.broken, "");
}

static void no_more_than_the_requested_range_is_seen(void **state)
{
    (void)state;
    static const char opening[FORMAT_OPENING];
    static const char end[1024] = {[512] = 'c', 'o', 'n', 'e', 'c', 't', 'i', 'x'};
    struct format_examination examination;
    format_examine(opening, sizeof opening, "vhd", FORMAT_LENGTH_UNKNOWN, &examination);
    assert_true(examination.next.offset == FORMAT_FROM_END);
    assert_int_equal(examination.next.length, 512);
    format_examine_more(&examination, end, sizeof end);
    assert_null(examination.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(images_made_by_tools_are_recognized, scratch_begin,
                                        scratch_end),
        cmocka_unit_test(empty_body_has_no_format),
        cmocka_unit_test(range_not_requested_is_ignored),
        cmocka_unit_test(empty_range_ends_the_examination),
        cmocka_unit_test(no_more_than_the_requested_range_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
