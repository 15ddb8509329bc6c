# SPDX-License-Identifier: MIT
"""Tags, branches and cleaning up by omnigraph/lance.h and by pylance on the same tables.

Needs pylance, pyarrow and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so.
"""
import datetime
import os
import pathlib
import shutil

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, CREATE, EQ, GE, LT, Failed, Library


@pytest.fixture(scope="module")
def lib():
    return Library()


def rows(low, high):
    return pa.table({"k": pa.array(range(low, high), pa.int64())})


def keys(table):
    return sorted(table["k"].to_pylist())


@pytest.fixture(params=["ours", "theirs"])
def table(request, lib, tmp_path):
    """Five versions of ten rows more each."""
    uri = str(tmp_path / "t.lance")
    for i in range(5):
        if request.param == "ours":
            lib.write(uri, rows(10 * i, 10 * i + 10), APPEND if i else CREATE)
        else:
            lance.write_dataset(rows(10 * i, 10 * i + 10), uri, mode="append" if i else "create",
                                enable_stable_row_ids=True)
    return uri


def files(uri):
    return sorted(str(p.relative_to(uri)) for p in pathlib.Path(uri).rglob("*") if p.is_file())


# ---- tags

def test_tags(lib, table):
    lib.tag_create(table, "v2", 2)
    lance.dataset(table).tags.create("theirs", 3)
    assert lib.tags(table) == [("theirs", "", 3), ("v2", "", 2)]
    assert {n: t["version"] for n, t in lance.dataset(table).tags.list().items()} == {"theirs": 3, "v2": 2}
    assert lance.dataset(table, version="v2").count_rows() == 20
    with pytest.raises(Failed, match="there is a tag 'v2'"):
        lib.tag_create(table, "v2", 4)
    lib.tag_create(table, "v2", 4, move=True)
    assert lance.dataset(table, version="v2").count_rows() == 40
    lib.tag_delete(table, "theirs")
    assert lib.tags(table) == [("v2", "", 4)]
    with pytest.raises(Failed, match="no tag 'theirs'"):
        lib.tag_delete(table, "theirs")
    with pytest.raises(Failed, match="has no version 9"):
        lib.tag_create(table, "v9", 9)
    for name in "", "a/b", "a..b", "x.lock", "é", ".":
        with pytest.raises(Failed, match="invalid tag|'name' must be given"):
            lib.tag_create(table, name, 1)


# ---- branches

def test_our_branch(lib, table):
    lib.branch_create(table, "wip/a", 3)
    lib.branch_create(table, "b")
    assert lib.branches(table) == [("b", "", 5), ("wip/a", "", 3)]
    assert set(lance.dataset(table).branches.list()) == {"b", "wip/a"}
    theirs = lance.dataset(table).checkout_version(("wip/a", None))
    assert theirs.count_rows() == 30
    lance.write_dataset(rows(100, 105), theirs, mode="append")
    lib.write(table, rows(105, 110), APPEND, branch=b"wip/a")
    assert keys(lib.scan(table, branch="wip/a")) == [*range(30), *range(100, 110)]
    assert lance.dataset(table).checkout_version(("wip/a", None)).count_rows() == 40
    assert lance.dataset(table).count_rows() == lib.scan(table).num_rows == 50
    lib.branch_create(table, "deeper", branch="wip/a")
    lib.write(table, rows(200, 201), APPEND, branch=b"deeper")
    assert keys(lance.dataset(table).checkout_version(("deeper", None)).to_table()) == \
        [*range(30), *range(100, 110), 200]
    with pytest.raises(Failed, match="branch 'deeper' began at 'wip/a'"):
        lib.branch_delete(table, "wip/a")
    with pytest.raises(Failed, match="there is a branch 'b'"):
        lib.branch_create(table, "b")
    for name in "deeper", "wip/a", "b":
        lib.branch_delete(table, name)
    assert lib.branches(table) == [] and not [f for f in files(table) if f.startswith("tree/")]
    assert lance.dataset(table).count_rows() == 50


def test_their_branch(lib, table):
    lance.dataset(table).create_branch("theirs", 2)
    assert lib.branches(table) == [("theirs", "", 2)]
    lib.write(table, rows(100, 105), APPEND, branch=b"theirs")
    lib.branch_create(table, "ours", branch="theirs")
    assert keys(lib.scan(table, branch="ours")) == [*range(20), *range(100, 105)]
    assert lance.dataset(table).checkout_version(("ours", None)).count_rows() == 25


def test_what_a_crash_left_of_a_branch(lib, table):
    lib.branch_create(table, "half")
    os.remove(f"{table}/_refs/branches/half.json")
    with pytest.raises(Failed, match="or what is left of one: delete it first"):
        lib.branch_create(table, "half")
    lib.branch_delete(table, "half")
    lib.branch_create(table, "half")
    assert lance.dataset(table).checkout_version(("half", None)).count_rows() == 50


def test_a_moved_table_keeps_its_branches(lib, table, tmp_path):
    lib.branch_create(table, "b", 2)
    lib.write(table, rows(100, 105), APPEND, branch=b"b")
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(table, tmp_path / "elsewhere" / "t.lance")
    assert keys(lib.scan(moved, branch="b")) == [*range(20), *range(100, 105)]
    lib.write(moved, rows(105, 106), APPEND, branch=b"b")
    assert lib.scan(moved, branch="b").num_rows == 26


# ---- cleaning up

def test_cleanup_keeps_what_is_needed(lib, table):
    lib.tag_create(table, "one", 1)
    lib.branch_create(table, "b", 3)
    lib.delete(table, [("k", GE, 0), ("k", LT, 50)])
    lib.write(table, rows(1000, 1001), APPEND)
    assert lib.versions(table) == [1, 2, 3, 4, 5, 6, 7]
    assert lib.cleanup(table) == (0, 0)  # nothing is that old
    would = lib.cleanup(table, older_than_s=0, keep=2, dry=True)
    before = files(table)
    assert would[0] == 1  # 1 has a tag, 3 a branch, and 2 and 4 come after these
    assert lib.cleanup(table, older_than_s=0, keep=2) == would
    assert len(before) - len(files(table)) == sum(would)
    assert lib.versions(table) == [1, 2, 3, 4, 6, 7]
    assert lib.cleanup(table, older_than_s=0, keep=2) == (0, 0)
    for uri, n in (dict(version=1), 10), (dict(branch="b"), 30), ({}, 1):
        assert lib.scan(table, **uri).num_rows == n
    lance.dataset(table).validate()
    lib.branch_delete(table, "b")
    lib.tag_delete(table, "one")
    lib.cleanup(table, older_than_s=0)
    assert lib.versions(table) == [7]
    assert len([f for f in files(table) if f.startswith("data/")]) == 1
    assert keys(lance.dataset(table).to_table()) == [1000]
    lance.write_dataset(rows(0, 3), table, mode="append")
    assert lib.scan(table).num_rows == 4


def test_cleanup_and_indexes(lib, table):
    lib.index_create(table, "k")
    lib.write(table, rows(100, 200), APPEND)
    lib.index_update(table, all_parts=True)
    lib.compact(table)
    before = files(table)
    lib.cleanup(table, older_than_s=0)
    assert len([f for f in files(table) if f.startswith("_indices/")]) == \
        len([f for f in before if f.startswith("_indices/")]) - 2
    assert lance.dataset(table).to_table(filter="k = 150")["k"].to_pylist() == [150]


def test_cleanup_takes_old_orphans(lib, table):
    lib.write(table, rows(50, 51), APPEND)
    ours = [f for f in files(table) if f.startswith("data/") and f.endswith("-1.lance")][-1]
    young = ours[:-7] + "7.lance"
    old = "data/01ARZ3NDEKTSV4RRFFQ69G5FAV-1.lance"
    other = "data/101010101010101010101010deadbeef.lance"
    for name in young, old, other:
        shutil.copy(f"{table}/{ours}", f"{table}/{name}")
    assert lib.cleanup(table) == (0, 1)
    assert old not in files(table) and young in files(table) and other in files(table)
    assert lib.cleanup(table, orphans_s=0) == (0, 1)
    assert young not in files(table) and other in files(table)


def test_their_cleanup_of_our_tables(lib, table):
    lib.tag_create(table, "two", 2)
    lib.branch_create(table, "b", 3)
    lance.dataset(table).cleanup_old_versions(older_than=datetime.timedelta(0), error_if_tagged_old_versions=False)
    assert lib.scan(table).num_rows == 50
    assert lib.scan(table, version=2).num_rows == 20
    assert lib.scan(table, branch="b").num_rows == 30


def test_cleanup_of_a_table_with_a_broken_version(lib, table):
    manifest = sorted(pathlib.Path(table, "_versions").glob("*.manifest"))[-1]
    manifest.write_bytes(b"no manifest")
    before = files(table)
    with pytest.raises(Failed, match="while cleaning up"):
        lib.cleanup(table, older_than_s=0)
    assert files(table) == before
