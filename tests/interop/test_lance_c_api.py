# SPDX-License-Identifier: MIT
"""omnigraph/lance.h beside pylance on the same tables.

Needs pylance, pyarrow and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so.
"""
import ctypes as C
import datetime
import decimal
import multiprocessing
import os
import random
import string

import lance
import pyarrow as pa
import pytest

from lance_api import (APPEND, CREATE, EQ, GE, GT, IS_NOT_NULL, IS_NULL, LE, LT, NE, OVERWRITE, Failed, Library, Stream)


@pytest.fixture(scope="module")
def lib():
    if not os.environ.get("OG_BUILD_DIR"):
        pytest.skip("OG_BUILD_DIR is not set")
    return Library()


def people(rows, seed=1):
    r = random.Random(seed)
    maybe = lambda v: None if r.random() < 0.2 else v
    word = lambda: "".join(r.choices(string.ascii_lowercase + "é ", k=r.randrange(12)))
    return pa.table({
        "id": pa.array(range(rows), pa.int64()),
        "age": pa.array([maybe(r.randrange(-3, 100)) for _ in range(rows)], pa.int16()),
        "big": pa.array([maybe(r.randrange(2**64)) for _ in range(rows)], pa.uint64()),
        "score": pa.array([maybe(r.uniform(-1, 1)) for _ in range(rows)], pa.float64()),
        "name": pa.array([maybe(word()) for _ in range(rows)], pa.string()),
        "sure": pa.array([maybe(r.random() < 0.5) for _ in range(rows)], pa.bool_()),
        "born": pa.array([maybe(datetime.date.fromordinal(r.randrange(1, 3000000))) for _ in range(rows)], pa.date32()),
        "tags": pa.array([maybe([maybe(word()) for _ in range(r.randrange(4))]) for _ in range(rows)],
                         pa.list_(pa.string())),
        "spot": pa.array([maybe([r.random() for _ in range(3)]) for _ in range(rows)], pa.list_(pa.float32(), 3)),
        "home": pa.array([maybe({"street": maybe(word()), "no": maybe(r.randrange(99))}) for _ in range(rows)],
                         pa.struct([("street", pa.string()), ("no", pa.int32())])),
    })


@pytest.fixture(scope="module")
def table(lib, tmp_path_factory):
    """Three fragments, some rows deleted, written by pylance."""
    uri = tmp_path_factory.mktemp("lance") / "people.lance"
    rows = people(3000)
    lance.write_dataset(rows, uri, max_rows_per_file=1100, enable_stable_row_ids=True)
    lance.dataset(uri).delete("id % 7 = 3")
    return uri


WHERE = [
    [("age", GT, 50)], [("age", NE, 50)], [("age", IS_NULL)], [("name", GE, "m")], [("sure", EQ, True)],
    [("score", LE, 0.25)], [("age", LT, 20), ("sure", EQ, False)], [("id", EQ, 2222)], [("id", EQ, -1)],
    [("big", GT, 2**63 + 5)], [("name", IS_NOT_NULL), ("age", GE, 90), ("score", GT, 0.0)],
    [("id", GE, 1090), ("id", LT, 1110)], [("spot", IS_NULL), ("tags", IS_NOT_NULL)],
]


def as_filter(where):
    """For pyarrow, which is a judge apart from both."""
    import pyarrow.compute as pc
    ops = {EQ: pc.equal, NE: pc.not_equal, LT: pc.less, LE: pc.less_equal, GT: pc.greater, GE: pc.greater_equal}

    def one(t, column, compare, value=None):
        c = t[column]
        if compare == IS_NULL:
            return pc.is_null(c)
        if compare == IS_NOT_NULL:
            return pc.is_valid(c)
        return pc.fill_null(ops[compare](c, pa.scalar(value, c.type)), False)

    def every(t):
        keep = pa.chunked_array([pa.array([True] * len(t))])
        for w in where:
            keep = pc.and_(keep, one(t, *w))
        return t.filter(keep)
    return every


def test_a_scan_gives_what_pylance_gives(lib, table):
    assert lib.scan(table).equals(lance.dataset(table).to_table())
    assert lib.scan(table, columns=["name", "id"], batch_rows=100).equals(
        lance.dataset(table).to_table(columns=["name", "id"]))


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_conditions_select_what_they_say(lib, table, where):
    want = as_filter(where)(lance.dataset(table).to_table())
    assert lib.scan(table, where).equals(want)
    assert lib.count(table, where) == len(want)
    assert lib.scan(table, where, columns=["id"], limit=5)["id"].to_pylist() == want["id"].to_pylist()[:5]


def test_extra_columns(lib, table):
    got = lib.scan(table, columns=["id"], row_id=True, row_offset=True, created=True, updated=True)
    assert got["_rowoffset"].to_pylist() == got["id"].to_pylist()  # rows were written in this order
    assert got["_rowid"].to_pylist() == lance.dataset(table).to_table(
        columns=["id"], with_row_id=True)["_rowid"].to_pylist()
    assert set(got["_row_created_at_version"].to_pylist()) == {1}


def test_taking_rows(lib, table):
    rows = [2998, 0, 5, 5, 1100, 1099]
    want = people(3000).take(rows)
    assert lib.take(table, rows).equals(want)
    for bad in ([3], [3000]):  # deleted, behind the end
        with pytest.raises(Failed, match="row offset"):
            lib.take(table, bad)


@pytest.mark.parametrize("minor", [1, 2])
def test_pylance_reads_what_is_written_and_goes_on(lib, tmp_path, minor):
    uri = tmp_path / "t.lance"
    first, second, third = people(500, 1), people(40, 2), people(30, 3)
    assert lib.write(uri, first, CREATE, file_minor=minor) == 1
    assert lance.dataset(uri).to_table().equals(first)
    assert lance.dataset(uri).data_storage_version == f"2.{minor}"
    assert lib.write(uri, second, APPEND) == 2
    lance.write_dataset(third, uri, mode="append")
    both = pa.concat_tables([first, second, third])
    assert lance.dataset(uri).to_table().equals(both.combine_chunks())
    assert lib.scan(uri).equals(both.combine_chunks())
    where = [("age", GE, 50)]
    gone = as_filter(where)(both)
    assert lib.delete(uri, where) == len(gone) > 0
    assert lib.delete(uri, where) == 0
    left = lance.dataset(uri).to_table()
    assert len(left) == len(both) - len(gone) and left.equals(lib.scan(uri))
    lance.dataset(uri).delete("id < 5")
    lance.dataset(uri).optimize.compact_files()
    assert lib.scan(uri).equals(lance.dataset(uri).to_table())
    lib.write(uri, second, OVERWRITE)
    assert lance.dataset(uri).to_table().equals(second)
    lance.dataset(uri).validate()


def test_columns_are_found_by_name(lib, tmp_path):
    uri = tmp_path / "t.lance"
    lib.write(uri, pa.table({"a": [1, 2], "b": ["x", None]}), CREATE)
    lib.write(uri, pa.table({"b": ["y"], "a": [3]}), APPEND)
    lib.write(uri, pa.table({"b": ["z"]}), APPEND)
    assert lance.dataset(uri).to_table().to_pydict() == {"a": [1, 2, 3, None], "b": ["x", None, "y", "z"]}


@pytest.mark.parametrize("rows, message", [
    (pa.table({"a": ["1"]}), "column 'a' is string, the table's is int64"),
    (pa.table({"c": [1]}), "no column 'c'"),
    (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "twice"),
    (pa.table({"a": [decimal.Decimal("1.5")]}), "decimal|d:"),
])
def test_rows_that_do_not_fit_change_nothing(lib, tmp_path, rows, message):
    uri = tmp_path / "t.lance"
    lib.write(uri, pa.table({"a": [1]}), CREATE)
    with pytest.raises(Failed, match=message):
        lib.write(uri, rows, APPEND)
    with pytest.raises(Failed, match="there is a table"):
        lib.write(uri, pa.table({"a": [1]}), CREATE)
    assert lance.dataset(uri).version == 1


def test_a_stream_that_fails_changes_nothing(lib, tmp_path):
    uri = tmp_path / "t.lance"
    rows = pa.table({"a": [1, 2]})

    def batches():
        yield from rows.to_batches()
        raise OSError("the source broke")
    stream, version = Stream(), C.c_uint64()
    pa.RecordBatchReader.from_batches(rows.schema, batches())._export_to_c(C.addressof(stream))
    with pytest.raises(Failed, match="the source broke"):
        lib.call("og_dataset_write", str(uri).encode(), C.byref(stream), None, C.byref(version))
    with pytest.raises(Failed, match="no Lance table"):
        lib.open(uri)


def append_many(uri, writer, times, ours):
    library = Library() if ours else None
    for i in range(times):
        rows = pa.table({"writer": [writer], "n": [i]})
        if ours:
            library.write(uri, rows, APPEND)
        else:
            lance.write_dataset(rows, uri, mode="append")


def test_writers_of_both_kinds_at_once(lib, tmp_path):
    """Two processes of ours and one of pylance append to one table: every row is there once."""
    uri = str(tmp_path / "t.lance")
    lib.write(uri, pa.table({"writer": pa.array([], pa.int64()), "n": pa.array([], pa.int64())}), CREATE)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_many, args=(uri, w, 20, w < 2)) for w in range(3)]
    for w in writers:
        w.start()
    for w in writers:
        w.join(120)
        assert w.exitcode == 0
    want = sorted((w, n) for w in range(3) for n in range(20))
    for rows in (lib.scan(uri), lance.dataset(uri).to_table()):
        assert sorted(zip(*rows.to_pydict().values())) == want
    assert lance.dataset(uri).version == 61
