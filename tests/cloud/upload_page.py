# SPDX-License-Identifier: Apache-2.0
"""The page for uploads in a real browser, over TLS, before the real Keystone, Glance and S3.

All is one test, because the start of the browser takes longer than the steps."""
import contextlib
import os
import re

from chromium import chromium
from cloud import KIB, MIB, check, same, wait_until
from fixes import stripped
from page import fits_and_is_accessible
from proxy import another_proxy, scratch
from slow_line import SlowLine
from tls_proxy import new_certificate

POLICY = {
    "rules": [{"name": "no-isos", "when": {"disk_format": ["iso"]}, "deny": "ISO images are not accepted here"}],
    "default": {"store": "test", "mode": "force"},
}
SETTINGS = """\
[DEFAULT]
debug = true
access_log = all
[listen]
tls_cert_file = {cert}
tls_key_file = {key}
[keystone]
auth_url = {url}
[resume]
window = 5m
"""
RATE = 12 * MIB  # bytes a second
SEEN_TO_SEND = 2 * MIB  # where the line waits until the page was seen to send
WRONG = "a-wrong-password"


class Page:
    """`line` is what the browser's bytes go through."""

    def __init__(self, cloud, browser, line):
        self.cloud, self.browser, self.line = cloud, browser, line
        self.url = f"https://127.0.0.1:{line.port}/upload/"

    def find(self, selector):
        return self.browser.driver.find_element("css selector", selector)

    def fill(self, name, text):
        field = self.find(f"[name={name}]")
        field.clear()
        field.send_keys(text)

    def log_in(self, password):
        """With the keyboard only, as far as a form can tell."""
        env = self.cloud.envs["demo"]
        self.fill("user", env["OS_USERNAME"])
        self.fill("project", env["OS_PROJECT_NAME"])
        self.fill("password", password + "\n")

    def logs_in(self):
        self.log_in(self.cloud.envs["demo"]["OS_PASSWORD"])
        self.browser.wait("it is logged in", "return !document.getElementById('logout').hidden")

    def choose(self, path):
        self.find("#files").send_keys(path)

    def row(self):
        """The newest file: its state, and all of its text."""
        return self.browser.run(
            """const row = document.querySelector('#uploads > li:last-child');
            return row ? [row.dataset.state, row.textContent] : [null, ''];""")

    def wait_row(self, state, words=""):
        def told():
            now, text = self.row()
            return text if now == state and words in text else None

        try:
            return wait_until(f"the file is {state} {words}", told)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.row()}") from error

    def sent(self):
        """The bytes that its bar shows."""
        return self.browser.run("return document.querySelector('#uploads > li:last-child progress').value")

    def image(self):
        """What is told of the finished image, by title."""
        return self.browser.run(
            """const titles = [...document.querySelectorAll('#uploads > li:last-child dl.image dt')];
            return Object.fromEntries(titles.map((dt) => [dt.textContent, dt.nextSibling.textContent]));""")


# --- the steps ------------------------------------------------------------------------------------


def images_of(cloud, name):
    return cloud.glance("GET", f"/v2/images?name={name}").json()["images"]


def is_shown(cloud, page, file, name):
    """The image as the page tells of it, and as it is."""
    told = page.image()
    image = cloud.image(told["ID"])
    try:
        same("the image", (image["status"], image["name"], image["stores"]), ("active", name, "test"))
        same("what is told of it", (told["Name"], told["Format"], told["Store"], told["sha512"]),
             (name, "qcow2, bare", "test", file.sha512))
        same("how to boot it", told["Boot it"], f"openstack server create --image {image['id']} --flavor FLAVOR NAME")
        same("the object in the bucket", cloud.in_bucket(image["id"]), (file.size, file.sha512))
    finally:
        cloud.delete(image["id"])


def wrong_password_is_told(page):
    """The browser's own dialog would end this test."""
    page.log_in(WRONG)
    page.browser.wait("the refusal is shown", "return !document.getElementById('login-fault').hidden")
    check("password" in page.browser.text("#login-fault"), page.browser.text("#login-fault"))


def losses(cloud, file):
    """Where the proxy has lost uploads of this size."""
    return [int(at) for at in re.findall(rf"was lost after (\d+) of {file.size} bytes", cloud.proxy.log())]


def goes_on(cloud, page, file, before):
    """From where the proxy has lost the browser. The browser counts what is on its way, too. `before`: the losses of
    other uploads."""
    held = wait_until("the upload is held", lambda: losses(cloud, file)[len(before):])[-1]
    check(held > MIB, f"too little was sent: {held}")
    page.wait_row("sends")
    page.line.hold_at = None
    check(page.sent() >= held, f"it began anew: {page.sent()} of {held}")
    page.wait_row("done")


DROP = """
const [done] = [...arguments].slice(-1);
const picker = Object.assign(document.createElement('input'), {type: 'file', id: 'dropped'});
picker.addEventListener('change', () => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(picker.files[0]);
  picker.remove();
  document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
});
document.body.append(picker);
done();
"""


def told_rate(page, file):
    """The newest file's text. The page knows its rate when more was sent, so the line goes on a little until then."""
    state, text = page.row()
    if state == "sends" and " left" in text:
        return text
    page.line.hold_at = min(page.line.hold_at + 256 * KIB, file.size * 7 // 8)
    return None


def broken_upload_goes_on(cloud, page):
    file = cloud.data_file("page.qcow2", 48 * MIB)
    page.line.hold_at = file.size * 5 // 8
    page.browser.driver.execute_async_script(DROP)
    page.find("#dropped").send_keys(file.path)
    wait_until("half of it is sent", lambda: page.sent() > file.size / 2)
    figures = wait_until("the rate is told", lambda: told_rate(page, file))
    check("/s" in figures and "MiB of" in figures, figures)
    before = losses(cloud, file)
    page.line.broken = True
    page.line.cut()
    page.wait_row("breaks", "goes on by itself")
    page.line.hold_at = SEEN_TO_SEND
    page.line.broken = False
    goes_on(cloud, page, file, before)
    is_shown(cloud, page, file, "page")


def reloaded_page_goes_on(cloud, page):
    file = cloud.data_file("again.qcow2", 32 * MIB)
    page.line.hold_at = file.size * 5 // 8
    page.choose(file.path)
    wait_until("half of it is sent", lambda: page.sent() > file.size / 2)
    before = losses(cloud, file)
    page.browser.open(page.url)
    page.line.cut()
    same("what the browser keeps", page.browser.run("return Object.keys(JSON.parse(Object.values(localStorage)[0])[0])"),
         ["id", "name", "size", "modified"])
    page.logs_in()
    check("again.qcow2" in page.browser.text("#unfinished"), "the unfinished upload is not told of")
    page.line.hold_at = SEEN_TO_SEND
    page.choose(file.path)
    goes_on(cloud, page, file, before)
    is_shown(cloud, page, file, "again")
    same("what the browser keeps", page.browser.run("return localStorage[Object.keys(localStorage)[0]]"), "[]")


def refusal_is_shown_beside_the_file(cloud, page):
    page.choose(stripped(cloud).path)
    text = page.wait_row("refused")
    check("was changed on its way" in text and f" {page.url}" in text, f"message, and a command that works: {text}")
    check("/v2/images/" not in text, f"its image is gone: {text}")
    same("the images", images_of(cloud, "stripped"), [])


def unknown_format_can_be_chosen(cloud, page, directory):
    path = os.path.join(directory, "notes.img")
    with open(path, "wb") as file:
        file.write(b"no mark of a format" + os.urandom(100_000))
    page.choose(path)
    check("format" in page.wait_row("refused", "not found in its data"), page.row())
    page.find("#uploads > li:last-child .buttons button").click()
    page.wait_row("done")
    same("its format", page.image()["Format"], "raw, bare")
    cloud.delete(page.image()["ID"])


def cancelled_upload_leaves_no_image(cloud, page):
    file = cloud.data_file("again.qcow2", 32 * MIB)
    page.line.hold_at = file.size // 4
    page.choose(file.path)
    wait_until("a part is sent", lambda: page.sent() > MIB)
    page.find("#uploads > li:last-child .buttons button").click()
    page.line.hold_at = None
    page.wait_row("cancelled")
    same("the images", images_of(cloud, "again"), [])


def no_secret_is_told(cloud, page):
    """Not in the log, not in what the browser keeps, and not in an address."""
    log = cloud.proxy.log()
    check("/upload/page/token" in log, "the log has no line of a login")
    kept = page.browser.run("return JSON.stringify([localStorage, sessionStorage, document.cookie,"
                            " performance.getEntries().map(({name}) => name)])")
    for secret in cloud.envs["demo"]["OS_PASSWORD"], WRONG, "gAAAA":  # a token of Keystone begins so
        check(secret not in log and secret not in kept, f"{secret} is told")


def test_upload_page(cloud):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(scratch())
        cert, key = new_certificate(directory)
        settings = SETTINGS.format(cert=cert, key=key, url=cloud.envs["demo"]["OS_AUTH_URL"])
        proxy = stack.enter_context(another_proxy(cloud, POLICY, more=settings))
        line = SlowLine(proxy.port, RATE)
        stack.callback(line.close)
        browser = stack.enter_context(chromium("--ignore-certificate-errors"))
        page = Page(cloud, browser, line)
        browser.open(page.url)
        fits_and_is_accessible(cloud, browser, "login", (1000, "light"), (390, "dark"))
        wrong_password_is_told(page)
        page.logs_in()
        broken_upload_goes_on(cloud, page)
        refusal_is_shown_beside_the_file(cloud, page)
        fits_and_is_accessible(cloud, browser, "files", (1000, "dark"), (390, "light"))
        unknown_format_can_be_chosen(cloud, page, directory)
        cancelled_upload_leaves_no_image(cloud, page)
        reloaded_page_goes_on(cloud, page)
        no_secret_is_told(cloud, page)
        rest = [line for line in browser.complaints() if "Failed to load resource" not in line]
        same("what else the browser complains of", rest, [])
