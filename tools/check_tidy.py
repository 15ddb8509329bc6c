#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy over src/ as a ratchet: per check, no more findings than tools/tidy-baseline.txt allows.

    check_tidy.py BUILD [--seconds N] [--jobs N] [--update]

BUILD is a folder configured with clang (compile_commands.json). Results are kept in BUILD/tidy by the content of the
file and of everything it includes, so that a second run looks at changed files only. A run that does not get through
in N seconds fails: what was not looked at is not clean. --update lowers the baseline to what was found.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tools/tidy-baseline.txt"
FINDING = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$", re.M)


def command(entry):
    words = shlex.split(entry["command"])
    at = words.index("-o")
    return words[:at] + words[at + 2:]


def fingerprint(entry):
    """Of the source and of every header of ours it includes."""
    words = [w for w in command(entry) if w != "-MD"]
    for flag in ("-MT", "-MF"):
        if flag in words:
            del words[words.index(flag):words.index(flag) + 2]
    out = subprocess.run(words + ["-MM", "-MT", "x"], cwd=entry["directory"], capture_output=True, text=True)
    names = out.stdout.replace("\\\n", " ").split()[1:] or [entry["file"]]
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + repr(words).encode())
    for name in names:
        digest.update((pathlib.Path(entry["directory"]) / name).read_bytes())
    return digest.hexdigest()


def examine(entry, build, deadline):
    """[(place, text, check)], or None when time is up."""
    kept = build / "tidy" / fingerprint(entry)
    if kept.is_file():
        return json.loads(kept.read_text())
    left = deadline - time.monotonic()
    if left <= 1:
        return None
    try:
        done = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build), entry["file"]], cwd=ROOT, timeout=left,
                              capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return None
    found = []
    for path, line, text, checks in FINDING.findall(done.stdout):
        place = pathlib.Path(path)
        place = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
        found.append([f"{place}:{line}", text, checks.split(",")[0]])
    if done.returncode != 0 and not found:
        found.append([entry["file"], (done.stderr or done.stdout).strip()[-400:], "clang-tidy-failed"])
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(found))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    entries = {e["file"]: e for e in json.loads((build / "compile_commands.json").read_text())
               if pathlib.Path(e["file"]).is_relative_to(ROOT / "src") and e["file"].endswith(".c")}
    deadline = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda e: examine(e, build, deadline), entries.values()))
    late = [name for name, found in zip(entries, results) if found is None]
    findings = sorted({tuple(f) for found in results if found for f in found})
    counts = collections.Counter(check for _, _, check in findings)
    head = [line for line in BASELINE.read_text().splitlines() if line.startswith("#")]
    allowed = {key: int(n) for key, n in
               (line.split() for line in BASELINE.read_text().splitlines() if line and not line.startswith("#"))}
    if options.update and not late:
        lower = {check: min(counts[check], n) for check, n in allowed.items()} if allowed else counts
        BASELINE.write_text("\n".join(head + [f"{c} {n}" for c, n in sorted(lower.items()) if n]) + "\n")
        print(f"tidy: wrote {BASELINE.relative_to(ROOT)}")
        return 0
    worse = [check for check in counts if counts[check] > allowed.get(check, 0)]
    for place, text, check in findings:
        if check in worse:
            print(f"{place}: {text} [{check}]")
    for check in worse:
        print(f"tidy: {counts[check]} findings of {check}, allowed {allowed.get(check, 0)}")
    if late:
        print(f"tidy: no time for {len(late)} of {len(entries)} files")
    print(f"tidy: {len(entries) - len(late)} files, {len(findings)} findings, {sum(allowed.values())} allowed")
    return 1 if worse or late else 0


if __name__ == "__main__":
    sys.exit(main())
