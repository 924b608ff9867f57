# SPDX-License-Identifier: Apache-2.0
"""Files of every kind before a real Glance and S3. Intact files are stored and come back intact. Files that
`curl -d` has damaged do not reach Glance."""
import filecmp
import functools
import os
import pathlib
import sys

import clients
from cloud import HERE, DataFile, check, same
from proxy import scratch
from refusals import is_refusal, unchanged
from uploads import OCTETS, landed_in_test

sys.path.append(os.path.dirname(HERE))

from support.corpus import made_once, run  # noqa: E402

# One or two of each kind that Glance has a disk format for.
SELECTION = {
    "new.qcow2", "zlib.qcow2", "zstd.qcow2", "filled-0.10.qcow2", "new.vmdk", "filled.vmdk",
    "filled-stream.vmdk", "filled.vhd", "new-fixed.vhd", "filled.vhdx", "filled.vdi", "data.iso",
    "filled.hds", "zeros.raw", "mbr.raw", "filled-gpt.raw", "random.raw", "luks2.raw", "machine.ova",
    "kernel", "initrd.gz", "filled.xz", "empty.bz2",
}


def new_image(cloud, specimen):
    """The policy of these tests accepts only ISOs of a certain name. Glance has no QED."""
    return cloud.new_image(
        name="small-corpus" if specimen.disk_format == "iso" else "corpus",
        disk_format="raw" if specimen.disk_format == "qed" else specimen.disk_format,
        container_format=specimen.container_format,
    )


def comes_back_sound(cloud, image_id, path, specimen):
    fetched = path.with_suffix(".fetched")
    command = clients.curl_command(cloud, clients.upload_url(cloud, image_id), "-f", "-o", fetched)
    result = clients.run(command)
    check(result.exit_status == 0, f"curl fetching it: {result.printed}")
    check(filecmp.cmp(path, fetched, shallow=False), "it comes back as something else")
    if specimen.driver:
        run("qemu-img", "check", "-q", "-f", specimen.driver, fetched)
    fetched.unlink()


@functools.cache
def folder():
    """Of the corpus, which is made once for all tests. It is removed at the end of the run."""
    return scratch()


def for_each(names, test):
    """Calls test(path, specimen) for each file of the corpus, or for those named."""
    files = made_once(pathlib.Path(folder().name))
    chosen = [path for path in files if names is None or path.name in names]
    for path in chosen:
        try:
            test(path, files[path])
        except AssertionError as why:
            raise AssertionError(f"{path.name}: {why}") from why
    return f"{len(chosen)} files"


def test_files_come_back_intact(cloud):
    def test(path, specimen):
        with new_image(cloud, specimen) as image_id:
            result = clients.curl(cloud, image_id, "-T", path)
            same("the answer", (result.status, result.printed), (204, ""))
            check("x-intake-warning" not in result.headers, f"a warning: {result.headers}")
            landed_in_test(cloud, image_id, DataFile(path))
            comes_back_sound(cloud, image_id, path, specimen)

    return for_each(SELECTION, test)


def seen_by(sent):
    """The reason of the refusal when so many bytes of the file are left."""
    if sent == 0:
        return "empty_body"
    return "damaged_body" if sent >= 4096 else "format_mismatch"


def test_files_sent_with_curl_d_are_refused(cloud):
    def test(path, specimen):
        with new_image(cloud, specimen) as image_id:
            with unchanged(cloud, image_id):
                result = clients.curl(cloud, image_id, "-X", "PUT", *OCTETS, "-d", f"@{path}")
            reason = seen_by(result.sent)
            is_refusal(cloud, image_id, result.status, result.printed, 400, reason)
            same("uploads that Glance has seen", cloud.puts(image_id), [])

    return for_each(None, test)
