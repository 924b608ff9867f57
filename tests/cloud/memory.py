# SPDX-License-Identifier: Apache-2.0
"""What an upload into S3 costs Glance in memory.

A chunked one does not say its length, and Glance's S3 driver takes such an image into memory whole,
several times over. The proxy keeps it on disk until it can say the length, so that to Glance it is
an upload like any other.
"""
import clients
from cloud import MIB, check, same
from uploads import OCTETS, landed_in_test

GIB = 1 << 30
DEADLINE = 900  # seconds for one upload
CHUNKED = ("-H", "Transfer-Encoding: chunked")


def figures(cloud, file, *options, url=None):
    """Peak MiB of a fresh Glance worker, and of the proxy, while curl -T uploads the file."""
    cloud.kill_glance()  # what an earlier upload took is not given back
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
    """The last of the three goes past the proxy, and is smaller: Glance copies what it has so far
    with each chunk, so that a whole GiB would take minutes."""
    file, smaller = cloud.data_file("gib.qcow2", GIB), cloud.big()
    with_length, _ = figures(cloud, file)
    chunked, proxy = figures(cloud, file, *CHUNKED)
    past = cloud.glance_url + "/v2/images/{id}/file"
    unhelped, _ = figures(cloud, smaller, *CHUNKED, "-H", "X-Image-Meta-Store: test", url=past)

    note = (
        f"glance-api's peak: {with_length} MiB with Content-Length, {chunked} chunked through the"
        f" proxy ({proxy} of its own), {unhelped} for {smaller.size // MIB} MiB chunked past it"
    )
    check(chunked <= with_length + max(with_length // 4, 64), note)
    check(unhelped > chunked + smaller.size // MIB, f"nothing to be spared from: {note}")
    same("bytes left on disk", cloud.proxy.metric("glance_intake_spool_bytes"), 0)
    return note
