#!/usr/bin/env python3
"""Counts the ceremony of components: lines that say nothing of the protocol.

    scripts/ceremony.py [--at REVISION] [COMPONENT ...]

Counted are, in a component's folders of models, properties and tests: the dispatch of a node type that only chooses among
roles, its accessors, the associated types of processes, what names variants, the wrapping of hosted processes, how a bug is
planted, the stock tests, and marks that are typed again where they are demanded. Blank lines and comments count neither as
ceremony nor as lines. Without names: tcc and lock. The exit code is 1 if a component has more than a tenth."""

import re
import subprocess
import sys

PLACES = {
    "tcc": ["models/src/transactions/tcc/", "properties/src/transactions/tcc.rs", "properties/src/commitment/tcc.rs",
            "properties/tests/tcc.rs", "properties/tests/transactions/tcc.rs"],
    "lock": ["models/src/lock/", "models/src/caching/lock/", "properties/src/lock/", "properties/src/caching/lock/",
             "properties/tests/lock.rs", "properties/tests/caching/lock.rs"],
}

# The head of an item, and whether it is taken only where its body chooses among variants.
BLOCKS = [
    ("dispatch", re.compile(r"impl Process for Node\b")),
    ("accessors", re.compile(r"impl Node\b")),
    ("forwarding", re.compile(r"impl(<[^>]*>)? Embed<")),
    ("names", re.compile(r"pub (const )?fn name\(self\)|pub const ALL: |impl (std::)?(fmt::)?Display for (Kind|Protocol)|kinds!\(")),
    ("bugs", re.compile(r"fn (bug|set_bug)\(|pub fn with_bug\(")),
    ("stock tests", re.compile(r"fn (\w+_keeps?_its_promises|\w+_keep_their_promises|\w+_works_where_nothing_breaks|"
                               r"every_\w+_works_where_nothing_breaks|\w+_are_caught_by_the_properties_they_break)\(|"
                               r"component_tests! ")),
]
LINES = [
    ("names", re.compile(r"^\s*#\[(derive\(.*\b(Kinded|Hosts|Named|Roles)\b.*\)|hosts|roles|named)")),
    ("dispatch", re.compile(r"^\s*type (Message|Timer|Record|Op|Ret) = ")),
    ("marks typed twice", re.compile(r"^\s*\.sometimes\(\"")),
]


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def files(at, component):
    names = git("ls-tree", "-r", "--name-only", at).splitlines() if at else git("ls-files").splitlines()
    for name in names:
        if name.endswith(".rs") and any(name.startswith(place) for place in PLACES[component]):
            yield name, git("show", f"{at}:{name}") if at else open(name, encoding="utf-8").read()


def code(line):
    return bool(line.strip()) and not line.strip().startswith("//")


def block_end(lines, first):
    """The last line of the item that begins here: where its brackets are closed."""
    depth, opened = 0, False
    for place in range(first, len(lines)):
        for letter in re.sub(r'"(\\.|[^"\\])*"|//.*', "", lines[place]):
            if letter in "{([":
                depth, opened = depth + 1, True
            elif letter in "})]":
                depth -= 1
        if opened and depth == 0 and (lines[place].rstrip().endswith(("}", ";", ")")) or depth == 0):
            if lines[first].lstrip().startswith("fn ") or lines[first].lstrip().startswith("pub"):
                if "{" not in "".join(lines[first:place + 1]):
                    continue
            return place
    return len(lines) - 1


def count(at, component):
    kinds, total = {}, 0
    for _, text in files(at, component):
        lines = text.split("\n")
        total += sum(map(code, lines))
        taken = set()
        for first, line in enumerate(lines):
            if first in taken:
                continue
            for kind, head in BLOCKS:
                if head.search(line) and not line.lstrip().startswith("//"):
                    span = range(first, block_end(lines, first) + 1)
                    # A test's attribute belongs to it.
                    kinds[kind] = kinds.get(kind, 0) + sum(code(lines[n]) for n in span if n not in taken)
                    taken.update(span)
                    break
            else:
                for kind, pattern in LINES:
                    if pattern.search(line):
                        kinds[kind] = kinds.get(kind, 0) + 1
                        taken.add(first)
                        break
    return kinds, total


def main():
    words = sys.argv[1:]
    at = None
    if words[:1] == ["--at"]:
        at, words = words[1], words[2:]
    most = 0.0
    for component in words or ["tcc", "lock"]:
        kinds, total = count(at, component)
        ceremony = sum(kinds.values())
        share = ceremony / total
        most = max(most, share)
        parts = ", ".join(f"{kind} {lines}" for kind, lines in sorted(kinds.items()))
        print(f"{component}: {ceremony} of {total} lines are ceremony, {share:.1%} ({parts})")
    sys.exit(most > 0.1)


if __name__ == "__main__":
    main()
