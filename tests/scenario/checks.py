# SPDX-License-Identifier: Apache-2.0
"""`checks` of a rule: how strictly the data is checked, instead of the settings in [upload]."""
import subprocess

from support.fixture import scenario
from support.form import declared, file, form
from support.stack import TOKEN, Stack, data, stripped

BODY = data(300_000)
DAMAGED = stripped(BODY)

POLICY = """\
rules:
  - { name: watched, when: { name: watched }, store: test, mode: audit, checks: { damaged: warn } }
  - { name: lax, when: { name: lax }, store: test, mode: force, checks: { damaged: off, format: off } }
  - { name: warned, when: { name: warned }, store: test, mode: force,
      checks: { damaged: warn, format: warn, unsafe_format: off, truncated: warn, compressed: off } }
  - { name: strict, when: { name: strict }, store: test, mode: force,
      checks: { damaged: reject, format: reject } }
default: { store: test, mode: force }
"""

BY_SIZE = """\
rules:
  - { name: large, when: { name: a, larger_than: 100KiB }, store: test, checks: { damaged: LARGE } }
  - { name: any, when: { name: a }, store: test, checks: { damaged: ANY } }
default: { store: test, mode: force }
"""


def warnings(told):
    return sorted(each.split(":")[0] for each in told.all("X-Intake-Warning"))


def passes(stack, image, body, *warned, put=None):
    told = (put or stack.put)(image, body)
    assert told.status == 204, (told.start, told.body)
    assert warnings(told) == sorted(warned), told.fields
    return told


@scenario
def rule_checks_override_the_settings(fixture):
    """They may be stricter or less strict."""
    stack = Stack(fixture, policy=POLICY)
    for put in (stack.put, stack.put_chunked):
        stack.refused(put(image := stack.image(), DAMAGED), image, 400, "damaged_body")
        passes(stack, stack.image(name="lax"), DAMAGED, put=put)
        passes(stack, stack.image(name="lax", disk_format="qcow2"), BODY, put=put)
        passes(stack, stack.image(name="warned"), DAMAGED, "damaged_body", put=put)
        passes(stack, stack.image(name="warned", disk_format="qcow2"), BODY, "format_mismatch", put=put)
    stack.set(damaged="off", format="off")
    for put in (stack.put, stack.put_chunked):
        passes(stack, stack.image(), DAMAGED, put=put)
        stack.refused(put(image := stack.image(name="strict"), DAMAGED), image, 400, "damaged_body")
        stack.refused(put(image := stack.image(name="strict", disk_format="qcow2"), BODY), image, 400,
                      "format_mismatch")


@scenario
def audit_rule_reports_its_checks(fixture):
    """A check that would refuse is reported in X-Intake-Audit. A check that only warns gives a warning."""
    stack = Stack(fixture, policy=POLICY)
    told = passes(stack, stack.image(name="watched"), DAMAGED, "damaged_body")
    assert told.get("X-Intake-Audit") is None, told.fields
    told = passes(stack, stack.image(name="watched", disk_format="qcow2"), BODY)
    assert told.get("X-Intake-Audit").split(", ")[-1] == "format_mismatch", told.fields


def wrapped(stack, body):
    """Sends the body as a form. The size of the file is known from the head of its part."""
    def put(image, _):
        sent = form(file(body))
        with stack.client() as client:
            stack.begin(client, image, TOKEN, declared(), f"Content-Length: {len(sent)}").send_until_refused(sent)
            return client.answer()
    return put


@scenario
def checks_follow_the_rule_selected_by_size(fixture):
    """A rule for large images is selected late. Its checks apply to the data that was checked before."""
    stack = Stack(fixture)
    small = DAMAGED[:50_000]
    for large, any_size in (("reject", "off"), ("off", "reject"), ("warn", "reject"), ("reject", "warn")):
        stack.policy = BY_SIZE.replace("LARGE", large).replace("ANY", any_size)
        stack.set()
        for body, rule, level in ((DAMAGED, "large", large), (small, "any", any_size)):
            for put in (stack.put, stack.put_chunked, wrapped(stack, body)):
                image = stack.image(name="a")
                if level == "reject":
                    stack.refused(put(image, body), image, 400, "damaged_body")
                    continue
                told = passes(stack, image, body, *(["damaged_body"] if level == "warn" else []), put=put)
                assert told.get("X-Intake-Rule") == rule


@scenario
def explain_and_check_know_rule_checks(fixture):
    proxy = fixture.proxy(fixture.glance(), policy=POLICY)

    def run(*words):
        return subprocess.run([*proxy.command, *words, "--config-file", proxy.conf_file], capture_output=True,
                              text=True, timeout=180, check=False)

    told = run("explain", "--name", "lax")
    assert told.returncode == 0 and "checks of this rule: damaged: off, format: off\n" in told.stdout, told
    assert "checks" not in run("explain", "--name", "other").stdout
    proxy.policy_file.write_text("default: { store: test, checks: { fromat: off, damaged: maybe } }\n")
    told = run("--check")
    assert told.returncode == 1, told
    assert "checks has no 'fromat': did you mean format?" in told.stderr, told
    assert "damaged 'maybe' is not off, warn or reject" in told.stderr, told
