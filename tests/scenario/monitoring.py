# SPDX-License-Identifier: Apache-2.0
"""config/monitoring: the alert rules and the dashboard name metrics and labels that exist."""
import json
import os
import re
import shutil
import subprocess

import yaml

from support.documents import ROOT
from support.fixture import Skip, scenario
from support.glance import UPLOAD
from support.proxy import wait_until

FOLDER = ROOT / "config" / "monitoring"
NOT_OURS = {"up"}  # of Prometheus itself
NAME = re.compile(r"\b((?:glance_intake|process)_\w+)(?:\{([^}]*)\})?")
SELECTOR = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
TARGET_LABELS = {"instance", "job"}  # which Prometheus adds


def rules():
    document = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))


def expressions():
    """(where it is, the expression)"""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    board = dashboard()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for note in board["annotations"]["list"]:
        yield note["name"], note["expr"]


def samples(text):
    """{name: [labels]}"""
    found = {}
    for line in text.splitlines():
        if sample := re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line):
            found.setdefault(sample[1], []).append(dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or "")))
    return found


def served(fixture):
    """The samples of a proxy with TLS, a health check and one upload."""
    cert, key = fixture.certificate("listener")
    proxy = fixture.proxy(fixture.glance(), conf={"glance": {"health_interval": "1s"},
                                                  "listen": {"tls_cert_file": cert, "tls_key_file": key}})
    wait_until("a health check", lambda: "endpoint_check_duration_seconds{" in proxy.admin("/metrics"))
    proxy.ask("PUT", UPLOAD, body=b"x")  # plain HTTP, which is refused
    return samples(proxy.admin("/metrics"))


def select(rows, selectors):
    """The rows that have the labels of the selectors, and the values of those that are constant."""
    for label, operator, value in SELECTOR.findall(selectors or ""):
        if label not in TARGET_LABELS:
            rows = [row for row in rows if label in row and (operator != "=" or row[label] == value)]
    return rows


@scenario
def rules_and_dashboard_name_metrics_that_exist(fixture):
    found, named = served(fixture), 0
    for where, expression in expressions():
        names = NAME.findall(expression)
        assert names or NOT_OURS & set(re.findall(r"\w+", expression)), (where, expression)
        for name, selectors in names:
            named += 1
            assert name in found, f"{where}: there is no {name}"
            assert select(found[name], selectors), f"{where}: no {name} has {selectors}"
        for labels in re.findall(r"\bby \(([^)]*)\)", expression):
            known = {label for name, _ in names for row in found[name] for label in row} | TARGET_LABELS
            assert set(re.split(r", *", labels)) <= known, (where, labels)
    assert named > 40


@scenario
def every_rule_says_what_to_do(_fixture):
    for rule in rules():
        assert rule["alert"].startswith("GlanceIntake") and rule["labels"]["severity"] in (
            "info", "warning", "critical"), rule
        assert rule["annotations"].keys() == {"summary", "description"}, rule
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


@scenario
def dashboard_can_be_imported(_fixture):
    board = dashboard()
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) and board["uid"] and board["schemaVersion"]
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(panel)))
        assert used <= variables, (panel["title"], used)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(places) == len(set(places)), "two panels are in one place"


@scenario
def promtool_accepts_rules_and_metrics(fixture):
    """Debian has it in the package prometheus."""
    if not shutil.which("promtool"):
        raise Skip("there is no promtool")
    subprocess.run(["promtool", "check", "rules", FOLDER / "alerts.yaml"], check=True, timeout=60)
    proxy = fixture.proxy(fixture.glance(), conf={"glance": {"health_interval": "1s"}})
    subprocess.run(["promtool", "check", "metrics"], input=proxy.admin("/metrics"), text=True, check=True, timeout=60)


@scenario
def process_is_measured(fixture):
    """The values are plausible, and those that only grow do."""
    proxy = fixture.proxy(fixture.glance())

    def process():
        return {name: float(value) for name, value in
                re.findall(r"^(process_\w+) (\S+)$", proxy.admin("/metrics"), re.MULTILINE)}
    before = process()
    with proxy.client() as one, proxy.client() as other:
        assert one.ask("GET", "/v2/images").status == other.ask("GET", "/v2/images").status == 200
        during = process()
    assert during["process_open_fds"] >= before["process_open_fds"] + 2
    assert during["process_max_fds"] > during["process_open_fds"]
    assert during["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] > 0
    assert during["process_start_time_seconds"] == before["process_start_time_seconds"]
    conf = proxy.conf_file.stat().st_mtime
    assert -2 < before["process_start_time_seconds"] - conf < 120, (before, conf)
    assert 1 < before["process_resident_memory_bytes"] / (proxy.rss_mib() * (1 << 20)) * 4 < 16


@scenario
def requests_are_measured(fixture):
    proxy = fixture.proxy(fixture.glance())
    proxy.ask("GET", "/v2/images")
    proxy.ask("POST", "/v2/images", body=b"{}" + b" " * 1000)
    proxy.ask("PUT", UPLOAD, body=os.urandom(2 << 20))
    proxy.wait_metric(2, "request_duration_seconds_count")
    for value, name, labels in ((1, "request_size_bytes_count", {}), (1002, "request_size_bytes_sum", {}),
                                (1, "request_size_bytes_bucket", {"le": "1024"}),
                                (1, "upload_size_bytes_count", {}), (2 << 20, "upload_size_bytes_sum", {}),
                                (1, "upload_size_bytes_bucket", {"le": "16777216"})):
        proxy.wait_metric(value, name, **labels)  # each of them changes on its own, after the answer
    assert proxy.metric("upload_size_bytes_bucket", le="1048576") == 0


@scenario
def expiry_of_the_certificate_is_told(fixture):
    """And follows a reload."""
    cert, key = fixture.certificate("listener")
    proxy = fixture.proxy(fixture.glance(), conf={"listen": {"tls_cert_file": cert, "tls_key_file": key}})
    end = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", cert], check=True,
                         capture_output=True, text=True).stdout.split("=")[1].strip()
    seconds = float(subprocess.run(["date", "-d", end, "+%s"], check=True, capture_output=True, text=True).stdout)
    assert proxy.metric("tls_certificate_expiry_timestamp_seconds") == seconds
    subprocess.run(["openssl", "x509", "-in", cert, "-signkey", key, "-days", "9", "-out", cert], check=True,
                   capture_output=True)
    proxy.signal(1)
    wait_until("the new one is told", lambda: proxy.metric("tls_certificate_expiry_timestamp_seconds") > seconds)
