# SPDX-License-Identifier: MIT
"""The sample tables with indexes that Lance 10 made: all rows, every version, and lookups that give what a scan gives.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder in which the target lance_index_tool was built.
"""
import gzip
import json
import os
import pathlib
import subprocess

import lance
import pytest

from lance_api import EQ, HAS, IS_NULL, Library

DATA = pathlib.Path(__file__).parent.parent / "data" / "lance"
TABLES = ["scalar", "fts_nopos", "ivf_flat", "ivf_pq", "hnsw_sq"]


@pytest.fixture(scope="module")
def lib():
    return Library()


@pytest.fixture(scope="module")
def want():
    with gzip.open(DATA / "indices/scalar.json.gz", "rt") as f:
        return sorted(json.load(f), key=lambda r: r["id"])


@pytest.mark.parametrize("name", TABLES)
def test_every_version_decodes(lib, want, name):
    uri = DATA / f"indices/{name}.lance"
    for version in lib.versions(uri):
        theirs = lance.dataset(str(uri), version=version).to_table().sort_by("id")
        assert lib.scan(uri, version=version).sort_by("id").to_pydict() == theirs.to_pydict()
    got = lib.scan(uri).sort_by("id").to_pylist()
    assert len(got) == len(want)
    for row, expected in zip(got, want):
        assert {k: row[k] for k in ("id", "n", "cat", "tags", "txt")} == {k: expected[k] for k in
                                                                         ("id", "n", "cat", "tags", "txt")}


def test_two_merges_with_a_key_filter(lib):
    assert dict(lib.scan(DATA / "refs/pk.lance").select([0, 1]).to_pydict().items()) == \
        lance.dataset(str(DATA / "refs/pk.lance")).to_table().select([0, 1]).to_pydict()


def lookups(name, queries):
    """Row ids per query."""
    tool = next(pathlib.Path(os.environ["OG_BUILD_DIR"]).rglob("lance_index_tool"))
    done = subprocess.run([tool, str(DATA / "indices"), "scalar.lance", "find", name], check=True, text=True,
                          input="".join(json.dumps(q) + "\n" for q in queries), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lookups_through_a_bitmap(lib):
    rows = lib.scan(DATA / "indices/scalar.lance", row_id=True).to_pylist()
    values = sorted({r["cat"] for r in rows if r["cat"] is not None})
    got = lookups("cat_idx", [{"in": [v]} for v in values] + [{"null": True}])
    assert got == [sorted(r["_rowid"] for r in rows if r["cat"] == v) for v in [*values, None]]


@pytest.mark.parametrize("column", ["n", "id"])
def test_lookups_through_a_btree(lib, want, column):
    uri = DATA / "indices/scalar.lance"
    values = {r[column] for r in want if r[column] is not None}
    for value in values:
        assert sorted(r["id"] for r in lib.scan(uri, [(column, EQ, value)]).to_pylist()) == \
            sorted(r["id"] for r in want if r[column] == value)
    assert lib.count(uri, [(column, IS_NULL)]) == sum(r[column] is None for r in want)


def test_lookups_through_a_label_list(lib, want):
    uri = DATA / "indices/scalar.lance"
    labels = {t for r in want for t in r["tags"] or [] if t is not None}
    assert labels
    for label in sorted(labels) + ["no such label"]:
        assert sorted(r["id"] for r in lib.scan(uri, [("tags", HAS, label)]).to_pylist()) == \
            sorted(r["id"] for r in want if label in (r["tags"] or []))
    assert lib.count(uri, [("tags", IS_NULL)]) == sum(r["tags"] is None for r in want)
