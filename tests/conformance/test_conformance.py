# SPDX-License-Identifier: MIT
"""The shared cases against the lists of those that cannot pass yet.

The `omnigraph` under test is OG_BIN (a folder or a file), else the one on PATH. Cases with faults need a program with fault
points: OG_FAULT_BIN, else build/fault/bin (make build-fault); without one they are left out.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LISTS = {"languages": "expected-failures.txt", "engine": "expected-failures-engine.txt"}


def binary():
    found = os.environ.get("OG_BIN") or shutil.which("omnigraph")
    if not found:
        pytest.fail("no omnigraph: set OG_BIN, or put its folder on PATH")
    return found


def fault_binary():
    built = HERE.parent.parent / "build" / "fault" / "bin"
    return os.environ.get("OG_FAULT_BIN") or (str(built) if (built / "omnigraph").exists() else None)


def expected_failures(suite):
    lines = (HERE / LISTS[suite]).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def run(suite, out, only=()):
    faults = fault_binary() if suite == "engine" else None
    program = ["--bin", faults or binary(), *([] if faults or suite != "engine" else ["--no-faults"])]
    done = subprocess.run([sys.executable, HERE / "run.py", "--suite", suite, *program, "--json", out, *only,
                           HERE / "cases"], capture_output=True, text=True, check=False)
    assert out.exists(), done.stdout + done.stderr
    return {r["case"]: r for r in json.loads(out.read_text())["results"]}


@pytest.mark.parametrize("suite", LISTS)
def test_exactly_the_listed_cases_fail(tmp_path, suite):
    results = run(suite, tmp_path / "results.json")
    listed = expected_failures(suite)
    cases = list((HERE / "cases" / suite).rglob("[!_]*.json"))
    assert len(results) == len(cases), "two cases share a name, or one was not run"
    assert listed <= results.keys(), f"no such case: {sorted(listed - results.keys())}"

    fail = {name for name, r in results.items() if r["status"] not in ("passed", "skipped")}
    if suite == "languages":
        fail |= {name for name, r in results.items() if r["status"] == "skipped"}
    broken = "\n".join(f"{name}: {results[name]['detail']}" for name in sorted(fail - listed))
    assert not broken, broken
    passed = {name for name in listed if results[name]["status"] == "passed"}
    assert not passed, f"these pass: take them out of {LISTS[suite]}: {sorted(passed)}"


def test_what_is_listed_is_refused_as_not_supported_yet(tmp_path):
    """A listed case fails because we say so, not because something broke."""
    only = [arg for name in sorted(expected_failures("languages")) for arg in ("--case", name)]
    if not only:
        return  # or all would run
    for r in run("languages", tmp_path / "results.json", only).values():
        assert "not supported yet" in r["detail"], f"{r['case']}: {r['detail']}"


def test_a_program_without_fault_points_has_none():
    program = pathlib.Path(binary())
    assert b"OMNIGRAPH_FAULT" not in (program / "omnigraph" if program.is_dir() else program).read_bytes()
    if fault_binary():
        assert b"OMNIGRAPH_FAULT" in (pathlib.Path(fault_binary()) / "omnigraph").read_bytes()
