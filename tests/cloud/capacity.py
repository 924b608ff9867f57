# SPDX-License-Identifier: Apache-2.0
"""Uploads for which there is no space are refused before their first byte, with the numbers.

The limits are those of the project in Keystone, and of the store: the quota of its bucket, or the policy's
`capacity`. An unknown store is refused, too.
"""
import concurrent.futures
import contextlib
import time

import admin
import clients
from another_glance import keystone_limits
from cloud import KIB, MIB, check, same, wait_until
from paused import begun
from proxy import another_proxy
from refusals import curl_is_refused
from uploads import OCTETS, landed_in_test


def tells(answer, figures):
    check(figures in answer["message"], f"not {figures!r}: {answer['message']}")


def lands(cloud, image_id):
    file = cloud.small()
    result = clients.curl(cloud, image_id, "-T", file.path, *OCTETS)
    same("the answer's status", result.status, 204)
    landed_in_test(cloud, image_id, file)


# --- the project's -------------------------------------------------------------------------------


@contextlib.contextmanager
def limited_project(cloud, **limits):
    """See admin.limited_project(). Glance takes the limits from Keystone in the `with` block, and the proxy has heard
    of them once."""
    with keystone_limits(cloud), admin.limited_project(cloud, **limits) as user:
        wait_until("the proxy knows the limits", lambda: quota_is_checked(cloud, user))
        yield user


def quota_is_checked(cloud, user):
    """Whether it is when a small upload is made. The proxy waits ten seconds for what Glance has never told it."""
    unchecked = cloud.proxy.log().count("not checked")
    with cloud.new_image(user=user) as image_id:
        result = clients.curl(cloud, image_id, "-T", cloud.tiny().path, *OCTETS, token=cloud.token(user))
    same("the status of a small upload", result.status, 204)
    wait_until("its line is in the log, after all others of it", lambda: image_id in cloud.proxy.log())
    return cloud.proxy.log().count("not checked") == unchecked


def test_project_quota(cloud):
    """Glance itself counts only stored data, and accepts this upload."""
    file = cloud.big()
    with limited_project(cloud, image_size_total=100) as user:
        with cloud.new_image(user=user) as image_id:
            answer = curl_is_refused(cloud, image_id, 413, "quota_exceeded", user=user)
            tells(answer, "may keep 100 MiB in all, has 0 and would need 121 (image_size_total)")
            past = f"{cloud.glance_url}/v2/images/{image_id}/file"
            how = ("-T", file.path, *OCTETS)
            result = clients.curl(cloud, image_id, *how, url=past, token=cloud.token(user))
            same("what Glance alone answers", result.status, 204)
            same("the size that Glance has", cloud.image(image_id)["size"], file.size)


def test_project_quota_of_concurrent_uploads(cloud):
    """One of the three uploads fits, two together do not. The others wait five seconds for Glance to take the first.
    After that, Glance alone decides about them."""
    file = cloud.small()
    with limited_project(cloud, image_size_total=4) as user, contextlib.ExitStack() as stack:
        images = [stack.enter_context(cloud.new_image(user=user)) for _ in range(3)]
        cloud.token(user)

        def upload(image_id):
            how = ("-T", file.path, *OCTETS)
            return clients.curl(cloud, image_id, *how, token=cloud.token(user)).status

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(images)) as pool:
            statuses = sorted(pool.map(upload, images))
        took = time.monotonic() - began
        check(statuses == [204, 413, 413] or (took > 5 and 204 in statuses), f"after {took:.1f} s: {statuses}")


def test_project_quota_of_the_staging_area(cloud):
    with limited_project(cloud, image_stage_total=100) as user:
        with cloud.new_image(user=user) as image_id:
            how = {"call": "stage", "user": user}
            answer = curl_is_refused(cloud, image_id, 413, "quota_exceeded", **how)
            tells(answer, "would need 121 (image_stage_total)")


def test_concurrent_upload_limit(cloud):
    with limited_project(cloud, image_count_uploading=1) as user, contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(cloud.new_image(user=user)) for _ in range(2))
        upload = begun(cloud, stack, first, cloud.token(user))
        wait_until("Glance counts the first", lambda: cloud.image(first)["status"] == "saving")
        answer = curl_is_refused(cloud, second, 413, "quota_exceeded", user=user)
        tells(answer, "may upload 1 images at a time, and has 1 under way")
        same("the status of the first", upload.finish().status, 204)


# --- the store's ---------------------------------------------------------------------------------


def is_full(cloud, image_id, limit, used, in_flight, file):
    answer = curl_is_refused(cloud, image_id, 413, "store_full", file=file)
    figures = f"test may hold {limit} bytes, has {used} and {in_flight} on their way"
    tells(answer, f"{figures}, and this upload needs {file.size}")


def quota_holds(cloud, scope):
    """The gateway rounds a quota up to whole KiB."""
    used = cloud.bucket_use()
    limit = (used // KIB + 1) * KIB + 4 * MIB
    with cloud.new_image() as image_id:
        with admin.s3_quota(cloud, scope, limit):
            is_full(cloud, image_id, limit, used, 0, cloud.big())
            lands(cloud, image_id)


def test_bucket_quota(cloud):
    """The small file fits."""
    quota_holds(cloud, "bucket")


def test_bucket_owner_quota(cloud):
    quota_holds(cloud, "user")


def test_capacity(cloud):
    used = cloud.bucket_use()
    policy = cloud.policy(capacity=f"{used + 4 * MIB}B")
    with another_proxy(cloud, policy), cloud.new_image() as image_id:
        is_full(cloud, image_id, used + 4 * MIB, used, 0, cloud.big())
        lands(cloud, image_id)


def test_capacity_includes_uploads_in_flight(cloud):
    """Each would fit, both do not. The capacity of the first is free again when it is deleted."""
    file, used = cloud.small(), cloud.bucket_use()
    limit = used + file.size * 3 // 2
    with another_proxy(cloud, cloud.policy(capacity=f"{limit}B")), contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(cloud.new_image()) for _ in range(2))
        upload = begun(cloud, stack, first)
        is_full(cloud, second, limit, used, file.size, file)
        same("the status of the first", upload.finish().status, 204)
        is_full(cloud, second, limit, used + file.size, 0, file)
        cloud.delete(first)
        lands(cloud, second)


def lands_unchecked(cloud, why, **facts):
    """The upload passes with a warning. `why` is in the log."""
    policy = cloud.policy()
    policy["stores"]["test"]["s3"].update(facts)
    with another_proxy(cloud, policy) as proxy, cloud.new_image() as image_id:
        lands(cloud, image_id)
        name = 'glance_intake_store_checks_failed_total{store="test"}'
        same("uploads whose store was not looked at", proxy.metric(name), 1)
        wait_until("the warning is in the log", lambda: "the space in test is unknown" in proxy.log())
        wait_until(f"the log tells {why!r}", lambda: why in proxy.log())
        return proxy.log()


def test_gateway_unreachable(cloud):
    lands_unchecked(cloud, "the gateway does not answer", endpoint="http://127.0.0.1:1")


def test_gateway_refuses_the_keys(cloud):
    key = "no-key-to-this-bucket"
    path = cloud.key_file("s3-wrong-key", key)
    log = lands_unchecked(cloud, "these keys may not look at the bucket", secret_key_file=path)
    check(key not in log, "the key is in the log")


# --- unknown stores ------------------------------------------------------------------------------


def test_policy_names_an_unknown_store(cloud):
    """The first upload shows this, since Glance lists its stores only with a token."""
    policy = {**cloud.policy(), "default": {"store": "gold", "mode": "force"}}
    missing = "the policy names the store gold, which Glance does not have"
    with another_proxy(cloud, policy) as proxy, cloud.new_image() as image_id:
        wait_until("it says that it is ready, before it can know", proxy.is_ready)
        answer = curl_is_refused(cloud, image_id, 503, "store_unknown")
        tells(answer, "it names gold, and Glance has file, test")
        readiness = proxy.readiness()
        same("the status of /readyz", readiness.status_code, 503)
        check(missing in readiness.text, f"/readyz says: {readiness.text}")
        wait_until("the error is in the log", lambda: missing in proxy.log())
        same("the metric", proxy.metric("glance_intake_stores_missing"), 1)
        proxy.reload(cloud.policy())
        wait_until("it is ready after the policy was fixed", proxy.is_ready)
        same("the metric afterwards", proxy.metric("glance_intake_stores_missing"), 0)
        lands(cloud, image_id)


def test_client_names_an_unknown_store(cloud):
    """Also Glance's reserved stores, to which Glance itself would let everybody upload."""
    policy = {**cloud.policy(), "default": {"store": "test", "mode": "default"}}
    with another_proxy(cloud, policy), cloud.new_image() as image_id:
        for store in ("gold", "os_glance_staging_store", "os_glance_tasks_store"):
            choice = ("-H", f"X-Image-Meta-Store: {store}")
            answer = curl_is_refused(cloud, image_id, 403, "store_not_allowed", *choice)
            tells(answer, f"it asks for {store}")
