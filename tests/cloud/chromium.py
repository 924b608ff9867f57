# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that shows one page."""
import contextlib
import os

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from cloud import wait_until
from proxy import scratch

QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions")
AXE = """
const done = arguments[arguments.length - 1];
axe.run().then(({violations}) => done(violations
    .filter(({impact}) => ['serious', 'critical'].includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html)}`)), (error) => done([String(error)]));
"""


class Chromium:
    """`driver` is selenium's."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url):
        self.driver.get(url)

    def run(self, script, *arguments):
        """What the body of a function returns."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        """All that is there, seen or not."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent).join(' ')",
                        selector)

    def wait(self, what, script, *arguments):
        """Waits until the script returns something true, and returns that."""
        return wait_until(what, lambda: self.run(script, *arguments))

    def devtools(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, width, height=1000):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 500)

    def prefer(self, scheme):
        """ "light" or "dark" """
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def faults(self, axe):
        """What axe-core (the path of its script) finds serious or critical."""
        with open(axe, encoding="utf-8") as file:
            self.run(file.read())
        return self.driver.execute_async_script(AXE)

    def complaints(self):
        """What the browser has written on the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, name):
        """Kept where PAGE_PICTURES says."""
        if folder := os.environ.get("PAGE_PICTURES"):
            self.driver.save_screenshot(os.path.join(folder, f"{name}.png"))


@contextlib.contextmanager
def chromium(*more):
    """A Chromium for the `with` block, with an empty profile. `more` are further options."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with scratch() as profile:
        for option in (*QUIET, *more, f"--user-data-dir={profile}"):
            options.add_argument(option)
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        try:
            driver.set_script_timeout(120)
            yield Chromium(driver)
        finally:
            driver.quit()
