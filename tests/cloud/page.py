# SPDX-License-Identifier: Apache-2.0
"""The page for operators in a real browser, with uploads to the real Glance.

All is one test, because the start of the browser takes longer than the steps."""
import contextlib
import os
import signal

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

import clients
from chromium import chromium
from cloud import KIB, MIB, check, same, wait_until
from page_answers import INVENT, MANY, TROUBLE
from paused import new_upload
from proxy import Proxy, another_proxy, scratch
from glance_servers import free_ports
from uploads import OCTETS

POLICY = {"default": {"store": "test", "mode": "force"}}
SETTINGS = "[glance]\nmax_uploads = 2\nqueue_timeout = 30m\nhealth_interval = 5s\n[resume]\nwindow = 20m\n"
HOSTILE = "<script>alert(1)</script>\u202egnp.exe <img src=x onerror=alert(2)> " + "long " * 30
SHOWN = HOSTILE.replace("\u202e", "\ufffd")
SIZE = 1 << 30
WIDE, NARROW = 1400, 390


def row(page, table, image_id):
    """The texts of an upload's cells, by their titles; {} if it is not there."""
    return page.run(
        """const [table, image] = arguments;
        const row = [...document.querySelectorAll(`#${table} tbody tr`)].find((r) => r.textContent.includes(image));
        return row ? Object.fromEntries([...row.cells].map((c) => [c.dataset.title, c.textContent])) : {};""",
        table, image_id)


def rows(page, table):
    return page.run("return document.querySelectorAll(`#${arguments[0]} tbody tr`).length", table)


# --- what a cloud rarely shows --------------------------------------------------------------------

def invent(page, answer, pause=None):
    page.run(INVENT.replace("ANSWER", answer), pause)


def rest_after(page, answers):
    """Lets the page get so many more answers, and then measures what the browser keeps for it: elements (seen or
    not), listeners, and KiB of the script's memory. While the page shows an answer, there are elements of two."""
    page.run("window.most = window.asked + arguments[0]; window.goOn?.()", answers)
    page.wait(f"{answers} answers", "return window.goOn !== undefined && window.asked >= window.most")
    page.devtools("HeapProfiler.collectGarbage")
    told = {each["name"]: each["value"] for each in page.devtools("Performance.getMetrics")["metrics"]}
    return told["Nodes"], told["JSEventListeners"], told["JSHeapUsedSize"] // KIB


# --- the steps ------------------------------------------------------------------------------------


def uploads_are_shown(cloud, page, stack):
    """One that goes on, one that has lost its client, and one that waits for a place. Returns the first and the
    last."""
    moving, lost = new_upload(cloud, stack, HOSTILE, SIZE), new_upload(cloud, stack, "lost its client", SIZE)
    for upload in (moving, lost):
        upload.send(2 * MIB)
        wait_until("Glance has a part that is worth holding",
                   lambda: cloud.proxy.upload_in_flight(upload.image_id).get("bytes", 0) > MIB)
        wait_until("it is shown", lambda: row(page, "running", upload.image_id))
    waiting = new_upload(cloud, stack, "waits", SIZE)
    lost.leave()
    wait_until("the waiting one is shown", lambda: row(page, "queued", waiting.image_id))
    held = wait_until("the held one is shown", lambda: row(page, "held", lost.image_id))
    check("waits for its client" in held["Step"], f"its step: {held['Step']}")
    same("its store", held["Store"], "test")
    same("its project", held["Project"], cloud.image(lost.image_id)["owner"])
    return moving, waiting


def bar_moves(page, upload):
    """The client sends on until the page shows that it does."""
    bar = "return document.querySelector('#running progress').value"
    before = page.run(bar)

    def moved():
        upload.send()
        left = row(page, "running", upload.image_id)
        return page.run(bar) > before and "/s" in left["Rate"] and any(c.isdigit() for c in left["Left"])

    wait_until("the bar moves, and the time is told", moved)


def name_is_only_text(page, upload):
    shown = row(page, "running", upload.image_id)["Image"]
    check(shown.startswith(SHOWN), f"the name is shown as {shown!r}")
    same("scripts and pictures in the page", page.run("return document.scripts.length + document.images.length"), 1)


def refusal_is_shown(cloud, page):
    file = cloud.small()
    with cloud.new_image(name="no room for a lie") as image_id:
        result = clients.curl(cloud, image_id, "-H", "X-OpenStack-Image-Size: 7", "-T", file.path, *OCTETS)
        same("the status", result.status, 400)
    page.wait("the refusal is shown", "return document.querySelector('#refusals tbody tr')")
    told = page.text("#refusals")
    check("size_mismatch" in told and "curl -T FILE" in told, f"the refusals: {told}")
    page.wait("it is among the last uploads", "return document.querySelector('#finished .bad')")


def search_finds(page, upload):
    box = page.driver.find_element("id", "search")
    box.send_keys("ALERT(1) sending")
    same("the uploads that are found", (rows(page, "running"), rows(page, "held"), rows(page, "queued")), (1, 0, 0))
    box.clear()
    box.send_keys("nothing is called so")
    same("the uploads that are found", rows(page, "running"), 0)
    check("Nothing matches" in page.text("#running-note"), "the page does not say that nothing was found")
    box.clear()
    box.send_keys(upload.image_id[:13])
    same("the uploads that are found by id", rows(page, "running"), 1)
    box.clear()
    page.run("arguments[0].dispatchEvent(new Event('input'))", box)


def brightness(page):
    """Of the background: 0 to 765."""
    return page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"
                    ".reduce((sum, part) => sum + Number(part), 0)")


def dark_is_dark(page):
    page.prefer("dark")
    check(brightness(page) < 200, "it is light where dark is preferred")
    theme = page.driver.find_element("id", "theme")
    theme.click()
    check(theme.text == "Theme: light" and brightness(page) > 600, f"{theme.text} does not hold")
    page.prefer("light")
    theme.click()
    check(theme.text == "Theme: dark" and brightness(page) < 200, f"{theme.text} does not hold")
    theme.click()
    check(theme.text == "Theme: auto" and brightness(page) > 600, f"{theme.text} does not hold")


def fits_and_is_accessible(cloud, page, name, *looks):
    """`looks`: (width, scheme)"""
    axe = os.path.join(cloud.directory, "newman", "node_modules", "axe-core", "axe.min.js")
    for width, scheme in looks:
        page.resize(width)
        page.prefer(scheme)
        page.picture(f"{name}-{scheme}-{width}")
        needs = page.run("return document.documentElement.scrollWidth")
        check(needs <= width, f"{width} px are too narrow for {name}: it needs {needs}")
        same(f"the faults of {name} in {scheme} and {width} px", page.faults(axe), [])
    page.resize(WIDE)
    page.prefer("light")


ASKED = "return performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/status')).length"
HIDE = """Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});
document.dispatchEvent(new Event('visibilitychange'));"""


def not_asked_for_a_while(page):
    """The number of its questions, if it asked none in these seconds. The browser counts a question at its answer."""
    before = page.run(ASKED)
    page.run("return new Promise((done) => setTimeout(done, 2500))")
    return before if page.run(ASKED) == before else None


def asks_once_a_second(page):
    """Never more often, and not at all while it is hidden."""
    page.run("performance.clearResourceTimings()")
    page.wait("it has asked", ASKED.replace(".length", ".length > 3"))
    page.run(HIDE, True)
    times = page.run(ASKED.replace(".length", ".map(({startTime}) => startTime)"))
    pauses = [after - before for before, after in zip(times, times[1:])]
    check(min(pauses) > 900, f"milliseconds between the questions: {pauses}")
    asked = wait_until("it asks no more", lambda: not_asked_for_a_while(page))
    page.run(HIDE, False)
    page.wait("it goes on", ASKED.replace(".length", ".length > arguments[0]"), asked)


def trouble_is_shown(cloud, page):
    invent(page, TROUBLE)
    page.wait("the problem is shown", "return document.querySelector('#problems p')?.textContent.includes('gold')")
    wait_until("the rate is known", lambda: row(page, "running", "image-disk")["Rate"] == "10.0 MiB/s")
    check("1 of 2" in page.text("#totals"), f"the other proxies are not shown: {page.text('#totals')}")
    disk, endless = row(page, "running", "image-disk"), row(page, "running", "image-endless")
    check("goes to disk" in disk["Step"] and disk["Left"].endswith(" s"), f"the spooled one: {disk}")
    check("length unknown" in endless["Progress"] and "%" not in endless["Progress"], f"the endless one: {endless}")
    check("warning: truncated" in endless["Step"], f"the one with a warning: {endless}")
    check("50 %" in row(page, "held", "image-kept")["Progress"], "what a held upload has on disk is not shown")
    same("the proxies", [disk["Proxy"], endless["Proxy"]], ["this one", "192.0.2.12:9294"])
    check("192.0.2.13:9294 are not shown: Timeout" in page.text("#problems"), page.text("#problems"))
    check("0 B, length unknown" in row(page, "running", "image-odd")["Progress"], "what cannot be read is not empty")
    same("when what cannot be read has ended", row(page, "finished", "image-odd")["Ended"], "–")
    same("what failed", row(page, "finished", "image-bad")["Result"], "failed: verify_failed")
    same("what Glance refused", row(page, "finished", "image-409")["Result"], "rejected: 409")
    check("out" in page.text("#endpoints") and "no answer" in page.text("#endpoints"), page.text("#endpoints"))
    fits_and_is_accessible(cloud, page, "trouble", (WIDE, "dark"), (NARROW, "light"))


def memory_does_not_grow(page):
    """All uploads are others in each answer."""
    page.devtools("Performance.enable")
    invent(page, MANY, pause=0)
    before, after = rest_after(page, 50), rest_after(page, 150)
    check(after[0] < before[0] + 500 and after[1] <= before[1] and after[2] < before[2] + KIB,
          f"elements, listeners and KiB have grown from {before} to {after}")


def another_version_is_loaded(page):
    invent(page, "{version: 'another'}")
    page.wait("the page is loaded again", "return window.asked === undefined")
    page.wait("it is live", "return !document.getElementById('live').hidden")


def restart_is_survived(cloud, page, *uploads):
    for upload in uploads:
        upload.leave()  # or the proxy would wait for them
    cloud.proxy.stop()
    page.wait("it says that the proxy is away", "return !document.getElementById('unreachable').hidden")
    check("Not reachable since" in page.text("#unreachable"), page.text("#unreachable"))
    cloud.proxy.start()
    page.wait("it goes on by itself", "return document.getElementById('unreachable').hidden")
    page.wait("the state is that of the new process", "return !document.querySelector('#refusals tbody tr')")


def is_there_without_scripts(cloud, page, stack):
    upload = new_upload(cloud, stack, HOSTILE, SIZE)
    upload.send(MIB)
    wait_until("it is at Glance", lambda: cloud.proxy.upload_in_flight(upload.image_id))

    def told_if_ready():
        page.open(cloud.proxy.admin_url + "/")
        with contextlib.suppress(NoSuchElementException, StaleElementReferenceException):  # it loads itself again
            text = page.driver.find_element("css selector", "#still").text
            return text if "Ready: " in text else None

    page.devtools("Emulation.setScriptExecutionDisabled", value=True)
    told = wait_until("it says that the new process is ready", told_if_ready)
    page.devtools("Emulation.setScriptExecutionDisabled", value=False)
    check(upload.image_id in told, f"without scripts there is {told!r}")
    check("<script>alert(1)</script>" in told and "\u202e" not in told, f"without scripts there is {told!r}")


def uploads_of_all_proxies_are_shown(cloud, page, stack):
    """On the page of one proxy, also those at the other one, until that is away."""
    key = cloud.key_file("cluster-key", os.urandom(32).hex())
    *ports, first, second = free_ports(4)
    peer = f"127.0.0.1:{second}"
    more = f"[cluster]\npeers = 127.0.0.1:{first}, {peer}\nkey_file = {key}\n"
    directory = stack.enter_context(scratch())
    one, other = (Proxy(cloud.proxy.binary, cloud.glance_url, port, admin_port, directory, POLICY, more)
                  for port, admin_port in zip(ports, (first, second)))
    for proxy in (one, other):
        proxy.start()
        stack.callback(proxy.stop)
    page.open(one.admin_url + "/")
    upload = new_upload(cloud, stack, "at the other one", SIZE, port=other.port)
    upload.send(MIB)
    same("its proxy", wait_until("it is shown", lambda: row(page, "running", upload.image_id))["Proxy"], peer)
    other.signal(signal.SIGKILL)
    other.ended()
    page.wait("it says so, and shows no upload of it",
              "return document.getElementById('problems').textContent.includes(arguments[0])"
              " && !document.querySelector('#running tbody tr')", peer)


def test_page(cloud):
    with contextlib.ExitStack() as stack:
        stack.enter_context(another_proxy(cloud, POLICY, more=SETTINGS))
        page = stack.enter_context(chromium())
        page.resize(WIDE)
        page.open(cloud.proxy.admin_url + "/")
        moving, waiting = uploads_are_shown(cloud, page, stack)
        bar_moves(page, moving)
        name_is_only_text(page, moving)
        refusal_is_shown(cloud, page)
        search_finds(page, moving)
        dark_is_dark(page)
        fits_and_is_accessible(cloud, page, "uploads", (WIDE, "light"), (NARROW, "dark"))
        asks_once_a_second(page)
        trouble_is_shown(cloud, page)
        memory_does_not_grow(page)
        another_version_is_loaded(page)
        same("what the browser complains of", page.complaints(), [])
        restart_is_survived(cloud, page, moving, waiting)
        is_there_without_scripts(cloud, page, stack)
        uploads_of_all_proxies_are_shown(cloud, page, stack)
