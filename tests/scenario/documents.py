# SPDX-License-Identifier: Apache-2.0
"""The documents show what the program does.

The blocks of each README.md become scenarios called docs/FILE:LINE. `console` blocks are run, those of one
section in one shell. `sh` blocks are checked by bash -n, `ini` and `yaml` blocks by --check. Comments right
above a block change that:

    <!-- needs: ... -->   needs something that this machine may not have: only bash -n
    <!-- of: ... -->      the configuration of another program
    <!-- file: NAME -->   a file of this name, for the console blocks of the document
"""
import os
import re
import shlex
import subprocess

from support.documents import ROOT, documents
from support.fixture import scenario
from support.proxy import SANITIZERS

ADDRESS = "127.0.0.1:9292"  # in the documents
ETC = "/etc/glance-intake"
MARK = "\x1e"  # before the output of each command
PATIENCE = 300  # seconds for the commands of a section

# --- console blocks --------------------------------------------------------------------------


def turns(text):
    """(command, output lines) of each command. A command continues on the next line after \\ and |."""
    found, goes_on = [], False
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif goes_on:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        else:
            assert found, f"output before the first command: {line}"
            found[-1][1].append(line)
        goes_on = line.endswith(("\\", "|")) and not found[-1][1]
    return found


def pattern(lines):
    """`...` stands for anything in a line, and alone for any lines."""
    rows = "\n".join(lines).strip("\n").splitlines()
    made = ["(?:.*\n)*?" if row == "..." else re.escape(row).replace(r"\.\.\.", ".*") + "\n" for row in rows]
    return re.compile("".join(made))


def same(command, expected, told):
    told = "\n".join(line.rstrip() for line in told.replace("\r", "").splitlines()).strip("\n")
    wanted = pattern(expected)
    assert wanted.fullmatch(f"{told}\n" if told else ""), \
        f"$ {command} says\n{told}\ninstead of\n" + "\n".join(expected)


def install(fixture, folder, files):
    """Replaces ETC by a folder with the document's files and the files that they name. Puts a glance-intake
    into PATH that reads its configuration there first."""
    for name, text in {"policy.yaml": "default: { store: test, mode: force }\n", **files}.items():
        for missing in re.findall(rf"{ETC}/([\w.]+)", text):
            (folder / missing).write_text("a-key-of-more-than-32-characters-\n")
            (folder / missing).chmod(0o600)
        (folder / name).write_text(text.replace(ETC, str(folder)))
    conf = folder / "glance-intake.conf"
    conf.write_text(f"[upload]\nspool_dir = {folder}/spool\n[policy]\nfile = {folder}/policy.yaml\n")
    program = folder / "bin" / "glance-intake"
    program.parent.mkdir()
    words = [*map(str, fixture.proxy_command), "--config-file", str(conf)]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    program.chmod(0o755)


def speak(fixture, folder, commands):
    """What each command prints on standard output and standard error."""
    script = "".join(f"printf '{MARK}'\n{command}\n" for command in commands)
    told = subprocess.run(
        ["bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=PATIENCE, check=False, env={
            **os.environ, **SANITIZERS, "HOME": str(folder), "LC_ALL": "C.UTF-8", "no_proxy": "*",
            "PATH": f"{folder}/bin:{os.environ['PATH']}"}).stdout.decode()
    return told.split(MARK)[1:]


def run_section(fixture, blocks, files):
    folder = fixture.folder / "session"
    folder.mkdir()
    install(fixture, folder, files)
    rows = [turn for block in blocks for turn in turns(block.text)]
    commands, here = [command for command, _ in rows], ADDRESS
    if any(ADDRESS in command for command in commands):
        proxy = fixture.proxy(fixture.small_glance())
        here = "{}:{}".format(*proxy.address)
    told = speak(fixture, folder, [command.replace(ADDRESS, here) for command in commands])
    assert len(told) == len(rows), "the shell ended early"
    for (command, expected), text in zip(rows, told):
        same(command, expected, text.replace(here, ADDRESS))


# --- other blocks ----------------------------------------------------------------------------


def check_syntax(block):
    text = re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE) if block.kind == "sh" else \
        "\n".join(command for command, _ in turns(block.text))
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def check_configuration(fixture, block):
    folder = fixture.folder / "session"
    folder.mkdir()
    install(fixture, folder, {"policy.yaml": block.text} if block.kind == "yaml" else {"it.conf": block.text})
    more = ["--config-file", folder / "it.conf"] if block.kind == "ini" else []
    done = subprocess.run([*fixture.proxy_command, "--check", "--strict", "--config-file",
                           folder / "glance-intake.conf", *more], capture_output=True, text=True, check=False,
                          env={**os.environ, **SANITIZERS})
    assert done.returncode == 0, done.stderr


# --- the scenarios ---------------------------------------------------------------------------


def register(block, function):
    function.__module__, function.__name__ = "docs", f"{block.path}:{block.line}"
    scenario(function)


def sections(blocks):
    """The blocks, grouped by section, in their order."""
    found = {}
    for block in blocks:
        found.setdefault(block.section, []).append(block)
    return found.values()


def is_run(block):
    return block.kind == "console" and "needs" not in block.notes


def is_shell(block):
    return block.kind in ("sh", "console") and not is_run(block)


def is_ours(block):
    return block.kind in ("ini", "yaml") and not block.notes.keys() & {"of", "file"}


def register_all(document):
    files = {block.notes["file"]: block.text for block in document.blocks if "file" in block.notes}
    for group in sections(filter(is_run, document.blocks)):
        register(group[0], lambda fixture, group=group: run_section(fixture, group, files))
    for block in filter(is_shell, document.blocks):
        register(block, lambda fixture, block=block: check_syntax(block))
    for block in filter(is_ours, document.blocks):
        register(block, lambda fixture, block=block: check_configuration(fixture, block))


for each in documents():
    register_all(each)

# --- the tables ------------------------------------------------------------------------------


def operators():
    return next(document for document in documents() if document.path == "config/README.md")


def bare(cell):
    return cell.strip("`")


@scenario
def settings_match_the_sample(_fixture):
    """The sample has the settings of the program (tests/unit/config/test_table.c). Section, key and default of
    each are a row, and there are no other rows."""
    wanted, section = [], None
    for line in (ROOT / "config" / "glance-intake.conf").read_text(encoding="utf-8").splitlines():
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section = head[1]
        elif key := re.fullmatch(r"(\w+) =\s?(.*)", line):
            wanted.append([section, key[1], key[2]])
    names = {row[0] for row in wanted}
    found = [[bare(cell) for cell in row[:3]] for row in operators().rows() if len(row) == 4 and bare(row[0]) in names]
    assert found == wanted, [row for row in found + wanted if (row in found) != (row in wanted)]


@scenario
def settings_that_need_a_restart_are_named(_fixture):
    """But for the two files of the certificate, which are "turning TLS on or off"."""
    source = (ROOT / "proxy" / "config" / "restart.c").read_text(encoding="utf-8")
    keys = set(re.findall(r'\{"\w+", "(\w+)", CHANGE_OF_VALUE\}', source))
    text = operators().file.read_text(encoding="utf-8")
    (told,) = re.findall(r"\*\*Restart\.\*\* These need a restart: ([^.]*)\.", text)
    assert keys and keys == set(re.findall(r"`(?:\[\w+\] )?(\w+)`", told)), (keys, told)


@scenario
def metrics_match_the_program(fixture):
    key = fixture.folder / "cluster.key"
    key.write_text("a-key-of-more-than-32-characters-\n")
    key.chmod(0o600)
    proxy = fixture.proxy(fixture.small_glance(), conf={"cluster": {"peers": f"{fixture.host}:1", "key_file": key}})
    told = set(re.findall(r"^# TYPE (\w+) ", proxy.admin("/metrics"), re.MULTILINE))
    found = {name for row in operators().rows() for name in re.findall(r"`((?:glance_intake|process)_\w+)`", row[0])}
    assert told and found == told, found ^ told


@scenario
def options_match_the_program(fixture):
    told = subprocess.run([*fixture.proxy_command, "--help"], check=True, capture_output=True, text=True,
                          env={**os.environ, **SANITIZERS}).stdout
    text = operators().file.read_text(encoding="utf-8")
    options = set(re.findall(r"--[a-z][a-z-]*", told))
    missing = sorted(option for option in options if option not in text)
    assert options and not missing, missing


@scenario
def broken_links_are_found(fixture):
    """tests/docs/links reports exactly these."""
    root = fixture.folder / "tree"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "some.c").write_text("enum { A_NAME }; int call(void);\n")
    (root / "tests" / "README.md").write_text("# Some `tests`, and more\n[up](../README.md#first)\n")
    (root / "README.md").write_text(
        "# First\n[tests](tests/README.md#some-tests-and-more) [a](nothing.md)\n"
        "[b](#second) [c](tests/README.md#no)\n`tests/README.md` `tests/no.c` `other/no.c` `tests/FOLDER/no.c`\n"
        "`A_NAME` `NO_NAME` `call()` `calls()` `NONE`\n"
        "```sh\ntests/none --all\n```\n")
    done = subprocess.run([ROOT / "tests" / "docs" / "links", root], capture_output=True, text=True, check=False)
    assert not done.stderr and done.returncode == 1, done
    assert done.stdout.splitlines() == [
        "README.md:2: no such file: nothing.md", "README.md:3: no such heading: #second",
        "README.md:3: no such heading: tests/README.md#no", "README.md:4: no such path: tests/no.c",
        "README.md:5: no such name: NO_NAME", "README.md:5: no such name: calls()",
        "README.md:7: no such path: tests/none"], done.stdout


@scenario
def wrong_examples_are_found(_fixture):
    wrong = [(["a", "b"], "a\n"), (["a"], "a\nb\n"), ([], "a\n"), (["a ... c"], "a b\n"), (["a"], "")]
    right = [(["a ... c", "", "..."], "a b c\n\nd\ne\n"), ([], "\n"), (["..."], "")]
    for lines, told in wrong + right:
        try:
            same("it", lines, told)
            found = False
        except AssertionError:
            found = True
        assert found == ((lines, told) in wrong), (lines, told)
