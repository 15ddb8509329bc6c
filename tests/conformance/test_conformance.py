# SPDX-License-Identifier: MIT
"""The shared language cases against the list of those that cannot pass yet.

The `omnigraph` under test is OG_BIN (a folder or a file), else the one on PATH.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def binary():
    found = os.environ.get("OG_BIN") or shutil.which("omnigraph")
    if not found:
        pytest.fail("no omnigraph: set OG_BIN, or put its folder on PATH")
    return found


def expected_failures():
    lines = (HERE / "expected-failures.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_exactly_the_listed_cases_fail(tmp_path):
    out = tmp_path / "results.json"
    run = subprocess.run([sys.executable, HERE / "run.py", "--suite", "languages", "--bin", binary(), "--json", out,
                          HERE / "cases"], capture_output=True, text=True, check=False)
    assert out.exists(), run.stdout + run.stderr
    results = {r["case"]: r for r in json.loads(out.read_text())["results"]}
    listed = expected_failures()
    assert len(results) == len(list((HERE / "cases").rglob("[!_]*.json"))), "two cases share a name, or one was not run"
    assert listed <= results.keys(), f"no such case: {sorted(listed - results.keys())}"

    fail = {name for name, r in results.items() if r["status"] != "passed"}
    broken = "\n".join(f"{name}: {results[name]['detail']}" for name in sorted(fail - listed))
    assert not broken, broken
    assert not listed - fail, f"these pass: take them out of expected-failures.txt: {sorted(listed - fail)}"


def test_what_is_listed_is_refused_as_not_supported_yet(tmp_path):
    """A listed case fails because we say so, not because something broke."""
    out = tmp_path / "results.json"
    only = [arg for name in sorted(expected_failures()) for arg in ("--case", name)]
    if not only:
        return  # or all would run
    subprocess.run([sys.executable, HERE / "run.py", "--suite", "languages", "--bin", binary(), "--json", out, *only,
                    HERE / "cases"], capture_output=True, text=True, check=False)
    for r in json.loads(out.read_text())["results"]:
        assert "not supported yet" in r["detail"], f"{r['case']}: {r['detail']}"
