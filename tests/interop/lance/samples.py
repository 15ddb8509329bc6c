#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the data files of sample tables that real Lance wrote, and compares every row with what real Lance reads.

samples.py LANCE_ROWS DATA_DIR.  LANCE_ROWS prints a file's rows; DATA_DIR holds <set>/<name>.lance and <name>.json.gz.
"""
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys

SETS = ["v2.0", "v2.1", "v2.2", "v2.3", "lance12"]
# Tables of several files or with deleted rows: the table's tests compare those.
NOT_ONE_FILE = {"del", "hist", "hist_noids"}
REFUSED = {"blob": "blob"}


def rows_of(tool, path, offsets=()):
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # the tool frees nothing after an error
    done = subprocess.run([tool, str(path), *map(str, offsets)], capture_output=True, text=True, env=env)
    if done.returncode:
        return None, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], ""


def as_number(v):
    if isinstance(v, str) and v.lstrip("-").isdigit():
        return int(v)
    return v


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if a == b:
        return True
    a, b = as_number(a), as_number(b)
    if isinstance(a, float) and isinstance(b, (int, float)) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    return a == b


def check(tool, path, want):
    got, err = rows_of(tool, path)
    if got is None:
        return err
    if len(got) != len(want):
        return f"{len(got)} rows, expected {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        for k in w:
            if k not in g or not same(g[k], w[k]):
                return f"row {i}, {k}: {g.get(k)!r}, expected {w[k]!r}"
    offsets = sorted(random.Random(1).sample(range(len(want)), min(25, len(want))))
    taken, err = rows_of(tool, path, offsets)
    if taken is None:
        return err
    if not all(same(t, got[o]) for t, o in zip(taken, offsets)):
        return "rows taken singly differ from those read at once"
    return ""


def main():
    tool, data = sys.argv[1], pathlib.Path(sys.argv[2])
    bad = checked = 0
    for path in sorted(p for s in SETS for p in (data / s).glob("*.lance")):
        name = path.stem
        files = list((path / "data").glob("*.lance"))
        if name in NOT_ONE_FILE or len(files) != 1:
            continue
        checked += 1
        with gzip.open(path.with_suffix(".json.gz"), "rt") as f:
            want = json.load(f)
        refused = REFUSED.get(name)
        if refused:
            rows, err = rows_of(tool, files[0])
            problem = "" if rows is None and refused in err else f"not refused by name: {err or 'read'}"
        else:
            problem = check(tool, files[0], want)
        print(f"{'FAIL' if problem else 'ok'} {path.parent.name}/{name} {problem}")
        bad += bool(problem)
    print(f"{checked - bad} of {checked} tables")
    return 1 if bad or checked < 15 else 0


if __name__ == "__main__":
    sys.exit(main())
