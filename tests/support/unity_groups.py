#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Says which C files can be compiled as one. usage: unity_groups.py FILE...

To start a compiler and to parse the headers takes longer than to compile most of the files. So the builds of the tests
compile several at once (INTAKE_UNITY in CMakeLists.txt). Files of one group are in one folder, so that a unit test
links no more than its own folder needs, and do not use a name for two things. For each file a line "GROUP FILE" is
printed. If a clash is overlooked, the compiler reports it.
"""
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
AT_MOST = 16  # files in a group: large groups would leave one of two processors idle
WORD = re.compile(r"\b[A-Za-z_]\w*")
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
ENUMERATORS = re.compile(r"^enum \w*\s*\{([^}]*)\}", re.MULTILINE)
TYPE = re.compile(r"^(?:struct|union|enum) (\w+)\s*@", re.MULTILINE)
FUNCTION = re.compile(r"\b(\w+)\(")
HEADER = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
# Up to the name of a static variable or function. The second part is the name of a pointer to a function.
STATIC = re.compile(r"^static ([^;=(]*)(\(\*\w+\))?", re.MULTILINE)


def outside_of_blocks(code):
    """The code with "@" in place of each block in braces."""
    depth, outside = 0, []
    for character in code:
        if character == "}":
            depth -= 1
        elif depth == 0:
            outside.append("@" if character == "{" else character)
        depth += character == "{"
    return "".join(outside)


def types(code, outside):
    found = set(TYPE.findall(outside))
    for block in ENUMERATORS.findall(code):
        found.update(WORD.findall(block))
    return found


def headers(path, text):
    """Those of the project that it includes."""
    for name in HEADER.findall(text):
        for folder in path.parent, ROOT / "proxy", ROOT / "include":
            if (folder / name).exists():
                yield folder / name


@functools.cache
def of_header(path):
    """What declares each name: this header, or one that it includes."""
    text = path.read_text()
    code = NOT_CODE.sub(" ", text)
    outside = outside_of_blocks(code)
    origins = dict.fromkeys([*types(code, outside), *FUNCTION.findall(outside)], path)
    for header in headers(path, text):
        origins.update(of_header(header))
    return origins


class File:
    def __init__(self, path):
        self.path = path
        text = path.read_text()
        code = NOT_CODE.sub(" ", text)
        outside = outside_of_blocks(code)
        self.words = set(WORD.findall(code))
        self.own = set(MACRO.findall(code))  # names that no other file may use
        for declared, pointer in STATIC.findall(outside):
            self.own.update(WORD.findall(pointer or declared.split("[")[0])[-1:])
        # what each name that the file declares is declared by
        self.origins = dict.fromkeys(types(code, outside) | self.own, path)
        for header in headers(path, text):
            self.origins.update(of_header(header))

    def fits(self, group):
        return (len(group) < AT_MOST and group[0].path.parent == self.path.parent
                and not any(map(self.clashes, group)))

    def clashes(self, other):
        return (any(other.origins.get(name, origin) != origin for name, origin in self.origins.items())
                or bool(self.own & other.words or self.words & other.own))


def main(paths):
    groups = []
    for file in map(File, map(pathlib.Path, paths)):
        group = next(filter(file.fits, groups), None)
        if group is None:
            groups.append(group := [])
        group.append(file)
    for number, group in enumerate(groups):
        for file in group:
            print(number, file.path)


if __name__ == "__main__":
    main(sys.argv[1:])
