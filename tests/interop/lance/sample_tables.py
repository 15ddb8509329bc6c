#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads every version of sample tables that real Lance wrote, and compares the newest with the rows real Lance reads.

sample_tables.py LANCE_TABLE_TOOL DATA_DIR.  DATA_DIR holds <set>/<name>.lance and <name>.json.gz.
"""
import gzip
import json
import pathlib
import subprocess
import sys

from samples import same

TABLES = ["history/hist", "history/hist_noids", "history/segs", "lance12/hist", "lance12/hist_noids", "written-by-c/t", "v2.1/del"]
EXTRA = {"_row_created_at_version": "_created", "_row_last_updated_at_version": "_updated"}


def call(tool, table, *command):
    done = subprocess.run([tool, str(table.parent), table.name, *command], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def renamed(row):
    return {EXTRA.get(k, k): v for k, v in row.items()}


def check(tool, table, want):
    info = call(tool, table, "info")[0]
    versions = len(list((table / "_versions").glob("*.manifest")))
    if info["version"] != versions:
        return f"newest version {info['version']}, expected {versions}"
    for version in range(1, versions + 1):
        got = call(tool, table, "scan", str(version))
        if len({r["_rowid"] for r in got}) != len(got):
            return f"version {version} has one row id twice"
    if len(got) != info["rows"] or len(got) != len(want):
        return f"{len(got)} rows, expected {len(want)}"
    got, want = (sorted(rows, key=lambda r: str(r["id"])) for rows in (map(renamed, got), want))
    for g, w in zip(got, want):
        for k in w:
            if not same(g.get(k), w[k]):
                return f"{w['id']}, {k}: {g.get(k)!r}, expected {w[k]!r}"
    return ""


def main():
    tool, data = sys.argv[1], pathlib.Path(sys.argv[2])
    bad = 0
    for name in TABLES:
        table = data / f"{name}.lance"
        with gzip.open(table.with_suffix(".json.gz"), "rt") as f:
            want = json.load(f)
        try:
            problem = check(tool, table, want)
        except ValueError as e:
            problem = str(e)
        print(f"{'FAIL' if problem else 'ok'} {name} {problem}")
        bad += bool(problem)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
