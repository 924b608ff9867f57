# SPDX-License-Identifier: Apache-2.0
"""The memory that Glance needs for an upload into S3.

A chunked upload has no length. Glance's S3 driver reads such an image into memory, several times. The proxy
keeps it on disk until the length is known, so that Glance gets an upload with a length.
"""
import clients
from cloud import MIB, check, same
from uploads import OCTETS, landed_in_test

SIZE = 112 * MIB  # Glance copies all data so far with each chunk: twice the size takes four times as long
DEADLINE = 900  # seconds for one upload
CHUNKED = ("-H", "Transfer-Encoding: chunked")


def figures(cloud, file, *options, url=None):
    """Peak MiB of a new Glance worker and of the proxy while curl -T uploads the file."""
    cloud.kill_glance()  # Glance does not give memory of an earlier upload back
    cloud.up()
    watched = cloud.glance_memory(), cloud.proxy.memory()
    with cloud.new_image() as image_id:
        for memory in watched:
            memory.forget_peak()
        url = url and url.format(id=image_id)
        result = clients.curl(
            cloud, image_id, "-T", file.path, *OCTETS, *options, url=url, deadline=DEADLINE
        )
        same("the answer's status", result.status, 204)
        peaks = [memory.peak() for memory in watched]
        landed_in_test(cloud, image_id, file)
    return peaks


def test_chunked_upload_needs_no_more_memory_than_one_with_a_length(cloud):
    """The last of the three uploads goes past the proxy."""
    file = cloud.data_file("memory.qcow2", SIZE)
    with_length, _ = figures(cloud, file)
    chunked, proxy = figures(cloud, file, *CHUNKED)
    past = cloud.glance_url + "/v2/images/{id}/file"
    unhelped, _ = figures(cloud, file, *CHUNKED, "-H", "X-Image-Meta-Store: test", url=past)

    note = (
        f"glance-api's peak: {with_length} MiB with Content-Length, {chunked} chunked through the"
        f" proxy ({proxy} of its own), {unhelped} for the same {file.size // MIB} MiB sent past it"
    )
    check(chunked <= with_length + max(with_length // 4, 64), note)
    check(unhelped > chunked + file.size // MIB // 2, f"the proxy saves no memory: {note}")
    same("bytes left on disk", cloud.proxy.metric("glance_intake_spool_bytes"), 0)
    return note
