#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/text/letters.inc.h: which characters belong to words.

    tools/gen_letters.py            writes it, from Debian's unicode-data (15.0)
    tools/gen_letters.py --check    compares

A character belongs to a word when it is Alphabetic or a number (general category N): what Rust calls alphanumeric, and
so where the original's tokenizer splits. LATER are those that Unicode 16 and 17 added; Lance 10 and 14 know them, as
tests/interop/test_text_analyser.py sees over all of Unicode.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/text/letters.inc.h"
DATA = pathlib.Path("/usr/share/unicode")
LATER = """
363-36F 88F 897 C5C CDC 1C89-1C8A 1DD3-1DE6 A7CB-A7CF A7D2 A7D4 A7DA-A7DC A7F1 105C0-105F3 10940-10959 10D40-10D65 10D69
10D6F-10D85 10EC2-10EC7 10EFA-10EFC 11380-11389 1138B 1138E 11390-113B5 113B7-113C0 113C2 113C5 113C7-113CA 113CC-113CD
113D1 113D3 116D0-116E3 11B60-11B67 11BC0-11BE0 11BF0-11BF9 11DB0-11DDB 11DE0-11DE9 13460-143FA 16100-1612E 16130-16139
16D40-16D6C 16D70-16D79 16EA0-16EB8 16EBB-16ED3 16FF2-16FF6 187F8-187FF 18CFF 18D09-18D1E 18D80-18DF2 1CCF0-1CCF9
1E5D0-1E5ED 1E5F0-1E5FA 1E6C0-1E6DE 1E6E0-1E6F5 1E6FE-1E6FF 2B739 2B73A-2B73F 2CEA2-2CEAD 2EBF0-2EE5D 323B0-33479
"""


def listed(path, wanted):
    found = set()
    for line in (DATA / path).read_text().splitlines():
        m = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if m and wanted(m[3]):
            found.update(range(int(m[1], 16), int(m[2] or m[1], 16) + 1))
    return found


def later():
    found = set()
    for word in LATER.split():
        first, _, last = word.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


def ranges(points):
    out = []
    for c in sorted(points):
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def text():
    points = listed("DerivedCoreProperties.txt", lambda p: p == "Alphabetic")
    points |= listed("extracted/DerivedGeneralCategory.txt", lambda p: p[0] == "N")
    points |= later()
    cells = ["{0x%X, 0x%X}," % (a, b) for a, b in ranges(c for c in points if c >= 0x80)]
    lines, line = [], ""
    for cell in cells:
        if len(line) + len(cell) + 1 > 118:
            lines.append(line)
            line = ""
        line += (" " if line else "") + cell
    lines.append(line)
    return (
        "/* SPDX-License-Identifier: MIT */\n"
        "/* Made by tools/gen_letters.py from the Unicode Character Database 15.0 and later additions: change that.\n"
        " * First and last of each run of characters above ASCII that belong to words. */\n"
        "/* clang-format off */\n" + "\n".join(lines) + "\n/* clang-format on */\n"
    )


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text() == text() else "gen_letters: src/text/letters.inc.h is not what it would be")
    TARGET.write_text(text())
