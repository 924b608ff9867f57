# SPDX-License-Identifier: Apache-2.0
"""The documents of the repository (each README.md): their headings, links, blocks and tables."""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = (".ci", "config", "include", "proxy", "tests")

FENCE = re.compile(r"^ *```(\w*) *$")
NOTE = re.compile(r"^ *<!-- (\w+): (.*?) -->$")
HEADING = re.compile(r"^#+ +(.*?) *$")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


@dataclasses.dataclass
class Block:
    """The text between two fences. `line` is the line of the first fence, from 1. `notes` are the comments
    right above it, `<!-- key: value -->`."""

    path: str
    line: int
    kind: str
    section: int  # the line of the heading above it
    notes: dict
    text: str


class Document:
    def __init__(self, file, root=ROOT):
        self.file = file
        self.path = str(file.relative_to(root))
        self.lines = file.read_text(encoding="utf-8").splitlines()
        self.blocks = []
        self.headings = []  # (line, text)
        self.prose = []  # (line, text): the lines outside of fences
        self._read()

    def _read(self):
        notes, fence, section = {}, None, 0
        for number, line in enumerate(self.lines, 1):
            if fence:
                if line.strip() == "```":
                    fence = None
                else:
                    fence.text += line + "\n"
            elif opened := FENCE.match(line):
                fence = Block(self.path, number, opened[1], section, notes, "")
                self.blocks.append(fence)
                notes = {}
            elif note := NOTE.match(line):
                notes[note[1]] = note[2]
            else:
                notes = {}
                self.prose.append((number, line))
                if heading := HEADING.match(line):
                    section = number
                    self.headings.append((number, heading[1]))

    def anchors(self):
        """The anchors that GitHub makes of the headings."""
        found = []
        for _, text in self.headings:
            plain = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            times = sum(name == plain or re.fullmatch(re.escape(plain) + r"-\d+", name) is not None for name in found)
            found.append(f"{plain}-{times}" if times else plain)
        return set(found)

    def links(self):
        """(line, target) of each link. A link's text may continue on the next line."""
        text = CODE.sub("", "\n".join(line for _, line in self.prose))
        for link in LINK.finditer(text):
            yield self.prose[text.count("\n", 0, link.start(1))][0], link[1]

    def code(self):
        """(line, text) of each text in backticks."""
        for number, line in self.prose:
            for span in CODE.finditer(line):
                yield number, span[1]

    def rows(self):
        """The rows of all tables, as lists of cells."""
        for _, line in self.prose:
            if line.startswith("|"):
                yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def documents(root=ROOT):
    files = [root / "README.md"]
    for folder in FOLDERS:
        files += sorted((root / folder).rglob("README.md"))
    return [Document(file, root) for file in files if file.exists() and "node_modules" not in file.parts]
