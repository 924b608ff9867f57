# SPDX-License-Identifier: Apache-2.0
"""What the examples for Kolla, Kubernetes and compose say is what the program has."""
import re

import yaml
from support.examples import EXAMPLES, ROOT, checked, program
from support.fixture import scenario

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def documents(name):
    return [document for document in yaml.safe_load_all((EXAMPLES / name).read_text()) if document]


def command(fixture, *files):
    return [*fixture.proxy_command, *(word for file in files for word in ("--config-file", file))]


def printed(fixture, *files):
    """The settings in force."""
    return checked(*command(fixture, *files), "--print-config")


def check_configuration(fixture, settings, policy):
    """As the program reads it, and without a warning. The files are where the example has them."""
    folder = fixture.folder / "etc"
    folder.mkdir()
    for name in re.findall(r"_key_file: \S+/(\w+)", policy):
        (folder / name).write_text("a-key\n")
    (folder / "policy.yaml").write_text(re.sub(r"(_key_file: )\S+/", rf"\1{folder}/", policy))
    more = f"[upload]\nspool_dir = {folder}/spool\n[policy]\nfile = {folder}/policy.yaml\n"
    (folder / "example.conf").write_text(settings)
    (folder / "more.conf").write_text(more)
    files = folder / "example.conf", folder / "more.conf"
    checked(*command(fixture, *files), "--check", "--strict")
    return printed(fixture, *files)


@scenario
def kolla_configurations_are_right(fixture):
    policy = (ROOT / "config" / "policy.yaml").read_text()
    told = check_configuration(fixture, (EXAMPLES / "kolla" / "glance-intake.conf").read_text(), policy)
    glance = (EXAMPLES / "kolla" / "glance-api.conf").read_text()
    assert "endpoint = http://192.0.2.11:9393\n" in told and "bind_port = 9393\n" in glance
    assert "http = 192.0.2.11:9393\n" in (EXAMPLES / "kolla" / "glance-api-uwsgi.ini").read_text()
    variables, = documents("kolla/globals.yml")
    assert f":{variables['glance_api_listen_port']}\n" in told, "HAProxy asks another port"
    file = fixture.folder / "kolla.cfg"
    file.write_text("defaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n"
                    "frontend glance_api_front\n"
                    f"    timeout client {variables['haproxy_glance_api_client_timeout']}\n"
                    "    bind 127.0.0.1:9292\n    default_backend glance_api_back\n"
                    "backend glance_api_back\n"
                    f"    timeout server {variables['haproxy_glance_api_server_timeout']}\n"
                    "    server one 192.0.2.11:9292 check inter 2000 rise 2 fall 5\n")
    checked(program("haproxy"), "-c", "-f", file)


def seconds(text):
    """Of a time in compose, such as 6h1m."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def setting(told, section, key):
    return re.search(rf"^\[{section}\]\n(?:[^\[].*\n)*?{key} = (.*)$", told, re.MULTILINE)[1]


@scenario
def kubernetes_has_what_the_program_has(fixture):
    kinds = {document["kind"]: document for document in documents("kubernetes.yaml")}
    files = kinds["ConfigMap"]["data"]
    told = check_configuration(fixture, files["glance-intake.conf"], files["policy.yaml"])
    pod = kinds["Deployment"]["spec"]["template"]
    container, = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert setting(told, "listen", "bind") == f"0.0.0.0:{ports['glance']}"
    assert setting(told, "admin", "bind") == f"0.0.0.0:{ports['admin']}"
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(ports["admin"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > seconds(setting(told, "DEFAULT", "drain_timeout"))
    user = pod["spec"]["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}\n" in DOCKERFILE and pod["spec"]["securityContext"]["fsGroup"] == user
    proxy = fixture.proxy(fixture.small_glance())
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "admin" and proxy.admin(container[probe]["httpGet"]["path"])
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["spec"]["volumes"]}
    assert f"VOLUME {mounts['spool']}\n" in DOCKERFILE
    assert set(kinds["Secret"]["stringData"]) == set(re.findall(rf"{mounts['keys']}/(\w+)", files["policy.yaml"]))
    service = kinds["Service"]["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["selector"] == kinds["Deployment"]["spec"]["selector"]["matchLabels"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(ports["glance"], "glance")]


@scenario
def compose_files_have_what_the_program_has(fixture):
    demo, = documents("compose.yaml")
    settings = demo["configs"]["settings"]["content"]
    told = check_configuration(fixture, settings, (ROOT / "config" / "policy.yaml").read_text())
    services = demo["services"]
    glance, proxy = services["small-glance"], services["glance-intake"]
    assert f"AS {glance['build']['target']}\n" in DOCKERFILE
    assert setting(told, "glance", "endpoint") == f"http://small-glance:{glance['command'][1].rpartition(':')[2]}"
    assert set(glance["command"][::2]) <= set(re.findall(r"--\w+", (ROOT / "tests/glance/main.c").read_text()))
    port = setting(told, "listen", "bind").rpartition(":")[2]
    assert proxy["ports"] == [f"127.0.0.1:{port}:{port}"] and f"EXPOSE {port}\n" in DOCKERFILE
    kolla, = documents("kolla/compose.yaml")
    assert seconds(proxy["stop_grace_period"]) > seconds(setting(told, "DEFAULT", "drain_timeout"))
    default = printed(fixture, "/dev/null")
    service = kolla["services"]["glance-intake"]
    assert seconds(service["stop_grace_period"]) > seconds(setting(default, "DEFAULT", "drain_timeout"))
    assert service["ulimits"]["nofile"] >= 4 * int(setting(default, "listen", "max_connections"))
    assert setting(default, "upload", "spool_dir") in {volume.split(":")[1] for volume in service["volumes"]}
