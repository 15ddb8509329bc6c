#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what the parts of a run left behind, and ends with `N passed, N failed, N skipped`.

    results.py FOLDER [--max-skipped N] PART=STATUS...

FOLDER/<part> holds JUnit files and `gates`. STATUS is the exit status of the part: a part that ended badly (124: out
of time) without a failed test of its own is a failure itself, and so is one that ran nothing.
"""
import pathlib
import sys
import xml.etree.ElementTree as tree


def read_part(folder):
    """[(state, name)] of everything the part ran."""
    found = []
    gates = folder / "gates"
    if gates.is_file():
        found += [tuple(line.split(" ", 1)) for line in gates.read_text().splitlines()]
    for path in sorted(folder.glob("*.xml")):
        for case in tree.parse(path).getroot().iter("testcase"):
            name = f"{path.stem}: {case.get('classname', '')} {case.get('name')}"
            bad = case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"
            away = case.find("skipped") is not None or case.get("status") in {"notrun", "disabled"}
            found.append(("failed" if bad else "skipped" if away else "passed", name))
    return found


def main():
    folder, words = pathlib.Path(sys.argv[1]), sys.argv[2:]
    most = None
    if words and words[0] == "--max-skipped":
        most, words = int(words[1]), words[2:]
    total = {"passed": 0, "failed": 0, "skipped": 0}
    print()
    for word in words:
        part, status = word.split("=")
        found = read_part(folder / part)
        if not found:
            found = [("failed", "nothing was run")]
        if status != "0" and not any(state == "failed" for state, _ in found):
            found.append(("failed", "out of time" if status in {"124", "137"} else f"ended with status {status}"))
        counts = {state: sum(s == state for s, _ in found) for state in total}
        for state, name in found:
            total[state] += 1
            if state != "passed":
                print(f"{state}: {part}: {name}")
        print(f"{part}: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    if most is not None and total["skipped"] > most:
        print(f"{total['skipped']} were skipped, more than the {most} that .ci/max-skipped allows")
    print(", ".join(f"{n} {state}" for state, n in total.items()))
    return 1 if total["failed"] or not total["passed"] or (most is not None and total["skipped"] > most) else 0


if __name__ == "__main__":
    sys.exit(main())
