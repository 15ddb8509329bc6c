# SPDX-License-Identifier: MIT
"""What omnigraph/lance.h does to a table, as pylance sees it, and the other way round.

Needs pylance, pyarrow and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so.
"""
import datetime

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, BITMAP, CREATE, EQ, FAIL, GE, IS_NULL, KEEP, LT, Failed, Library


@pytest.fixture(scope="module")
def lib():
    return Library()


def rows(low, high, **columns):
    return pa.table({"k": pa.array(range(low, high), pa.int64()),
                     "s": pa.array([f"s{i}" for i in range(low, high)]), **columns})


def ten_fragments(folder, stable):
    uri = str(folder / "t.lance")
    lance.write_dataset(rows(0, 100), uri, max_rows_per_file=10, enable_stable_row_ids=stable)
    return uri


@pytest.fixture(params=[True, False], ids=["ids", "addresses"])
def table(request, tmp_path):
    """Ten fragments of ten rows by pylance, with stable row ids or without."""
    return ten_fragments(tmp_path, request.param)


@pytest.fixture
def with_ids(tmp_path):
    return ten_fragments(tmp_path, True)


def both(lib, uri, columns=None):
    """The rows by k, which both libraries agree about."""
    ours, theirs = lib.scan(uri, columns=columns), lance.dataset(uri).to_table(columns=columns)
    ours, theirs = (t.sort_by("k").combine_chunks() for t in (ours, theirs))
    assert ours.to_pydict() == theirs.to_pydict()
    lance.dataset(uri).validate()
    return theirs


def last_operation(uri):
    return type(lance.dataset(uri).read_transaction(lance.dataset(uri).version).operation).__name__


# ---- rows

def test_update(lib, table):
    values = {"s": None, "k": 7}
    assert lib.update(table, [("k", GE, 95)], values) == 5
    assert lib.update(table, [("k", EQ, 10**6)], values) == 0
    got = both(lib, table)
    assert got["k"].to_pylist() == sorted([*range(95), 7, 7, 7, 7, 7])
    assert got["s"].null_count == 5
    assert lance.dataset(table).version == 2
    assert last_operation(table) == "Update"


def test_update_of_every_type(lib, tmp_path):
    uri = str(tmp_path / "types.lance")
    one = {"k": (pa.int64(), 1), "i8": (pa.int8(), -128), "u16": (pa.uint16(), 65535), "u64": (pa.uint64(), 2**64 - 1),
           "f32": (pa.float32(), 0.5), "f64": (pa.float64(), -1e300), "b": (pa.bool_(), True), "s": (pa.string(), "é"),
           "l": (pa.large_string(), ""), "d": (pa.date32(), 19000), "t": (pa.timestamp("us"), -1)}
    lib.write(uri, pa.table({n: pa.nulls(3, t) for n, (t, _) in one.items()}), CREATE)
    assert lib.update(uri, [("k", IS_NULL)], {n: v for n, (_, v) in one.items()}) == 3
    row = both(lib, uri).to_pylist()[0]
    assert row.pop("d") == datetime.date(2022, 1, 8)
    assert row.pop("t") == datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
    assert row == {n: v for n, (_, v) in one.items() if n in row}
    for column, value in {"i8": 128, "u16": -1, "u64": -1, "b": 1, "s": 1, "f64": 1, "d": 2**31, "k": 2**63}.items():
        with pytest.raises(Failed, match=f"'{column}' of type .* cannot be set"):
            lib.update(uri, [], {column: value})
    with pytest.raises(Failed, match="no column 'zzz'"):
        lib.update(uri, [], {"zzz": 1})


def test_merge(lib, table):
    assert lib.merge(table, rows(90, 110), ["k"]) == (10, 10, 0)
    assert lib.merge(table, rows(109, 120), ["k"], matched=KEEP) == (10, 0, 0)
    assert lib.merge(table, rows(115, 130), ["k"], skip_new=True) == (0, 5, 0)
    assert lib.merge(table, rows(100, 110), ["k", "s"], delete_others=True) == (0, 10, 110)
    with pytest.raises(Failed, match="the table has 1 rows with keys of the stream"):
        lib.merge(table, rows(105, 106), ["k"], matched=FAIL)
    assert both(lib, table)["k"].to_pylist() == list(range(100, 110))
    version = lance.dataset(table).version
    assert lib.merge(table, rows(105, 106), ["k"], matched=KEEP) == (0, 0, 0)
    assert lance.dataset(table).version == version


def test_merge_of_some_columns(lib, table):
    assert lib.merge(table, pa.table({"k": pa.array([3, 500], pa.int64())}), ["k"]) == (1, 1, 0)
    got = dict(zip(*both(lib, table).to_pydict().values()))
    assert (got[3], got[500]) == ("s3", None)


def test_merge_by_odd_keys(lib, tmp_path):
    uri = str(tmp_path / "odd.lance")
    nan = float("nan")
    kinds = pa.schema([("f", pa.float64()), ("k", pa.int64())])
    lib.write(uri, pa.table({"f": [0.0, nan, None], "k": [1, 2, 3]}, schema=kinds), CREATE)
    more = pa.table({"f": [-0.0, nan, None, None], "k": [4, 5, 6, 7]}, schema=kinds)
    assert lib.merge(uri, more, ["f"]) == (2, 2, 0)
    assert sorted(lib.scan(uri)["k"].to_pylist()) == [3, 4, 5, 6, 7]
    with pytest.raises(Failed, match="two rows of the stream have one key: the second is number 1"):
        lib.merge(uri, pa.table({"f": [0.0, -0.0], "k": [1, 1]}, schema=kinds), ["f"])
    with pytest.raises(Failed, match="lacks the column 'f' of the key"):
        lib.merge(uri, pa.table({"k": [1]}), ["f"])


# ---- columns

def test_columns_come_and_go(lib, table):
    lance.dataset(table).delete("k >= 10 AND k < 20 OR k = 25 OR k = 29 OR k = 30")
    left = lib.scan(table, columns=["k"])["k"]
    lib.add_columns(table, pa.table({"twice": [2 * k.as_py() for k in left], "list": [[k.as_py()] for k in left]}))
    assert last_operation(table) == "Merge"
    lib.add_null_columns(table, pa.schema([("none", pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]))]))
    got = both(lib, table)
    assert got["twice"].to_pylist() == [2 * k for k in got["k"].to_pylist()]
    assert got["none"].null_count == len(got)
    lance.dataset(table).add_columns({"thrice": "k * 3"})
    lib.rename_column(table, "twice", "double")
    lib.drop_columns(table, ["s", "none"])
    assert last_operation(table) == "Project"
    assert both(lib, table).column_names == ["k", "double", "list", "thrice"]
    lib.write(table, pa.table({"k": [1000], "list": [[1, 2]]}), APPEND)
    lance.write_dataset(pa.table({"k": [1001], "double": [1], "list": [[3]], "thrice": [4]}), table, mode="append")
    lib.add_null_columns(table, pa.schema([("s", pa.int8())]))  # another column than the one that is gone
    assert both(lib, table)["s"].null_count == len(left) + 2
    assert lib.compact(table)[0] > 1
    assert both(lib, table)["double"].to_pylist()[-2:] == [None, 1]


def test_columns_refused(lib, table):
    k = pa.array(range(100), pa.int64())
    for values, message in {
        "two columns 's'": pa.table({"s": k}), "fewer values than": pa.table({"x": k.slice(0, 99)}),
        "more values than": pa.table({"x": pa.concat_arrays([k, k])})}.items():
        with pytest.raises(Failed, match=values):
            lib.add_columns(table, message)
    with pytest.raises(Failed, match="may not be null, and no values"):
        lib.add_null_columns(table, pa.schema([pa.field("x", pa.int8(), nullable=False)]))
    with pytest.raises(Failed, match="no column would be left"):
        lib.drop_columns(table, ["k", "s"])
    with pytest.raises(Failed, match="no column 'x'"):
        lib.drop_columns(table, ["x"])
    with pytest.raises(Failed, match="two columns 's'"):
        lib.rename_column(table, "k", "s")
    lib.write(table, rows(100, 101), APPEND)
    with pytest.raises(Failed, match="version 2 .* made meanwhile by an append: try again"):
        lib.add_columns(table, pa.table({"x": k}), of=1)
    assert both(lib, table).column_names == ["k", "s"]


# ---- versions

def test_restore(lib, table):
    lib.delete(table, [("k", LT, 50)])
    lib.drop_columns(table, ["s"])
    lib.restore(table, 1)
    assert last_operation(table) == "Restore"
    assert both(lib, table).equals(rows(0, 100))
    lance.write_dataset(rows(100, 105), table, mode="append")
    lib.write(table, rows(105, 110), APPEND)
    assert both(lib, table).equals(rows(0, 110))
    ids = lance.dataset(table).scanner(with_row_id=True).to_table()["_rowid"].to_pylist()
    assert len(set(ids)) == 110
    with pytest.raises(Failed, match="has no version 77"):
        lib.restore(table, 77)


def test_compaction(lib, table):
    stable = lance.dataset(table).has_stable_row_ids
    lib.delete(table, [("k", GE, 30), ("k", LT, 34)])
    lib.update(table, [("k", EQ, 60)], {"s": "new"})
    extra = {"row_id": True, "created": True, "updated": True} if stable else {}
    before = lib.scan(table, **extra).sort_by("k")
    assert lib.compact(table) == (11, 1)
    assert lib.compact(table) == (0, 0)
    assert last_operation(table) == "Rewrite"
    assert lance.dataset(table).stats.dataset_stats()["num_fragments"] == 1
    assert lance.dataset(table).stats.dataset_stats()["num_deleted_rows"] == 0
    both(lib, table)
    if stable:
        assert lib.scan(table, **extra).sort_by("k").equals(before)


def test_compaction_leaves_what_is_well(lib, tmp_path):
    uri = str(tmp_path / "large.lance")
    lib.write(uri, pa.table({"k": pa.array(range(1 << 20), pa.int64())}), CREATE)
    lib.write(uri, pa.table({"k": pa.array([-1], pa.int64())}), APPEND)
    assert lib.compact(uri) == (0, 0)
    lib.delete(uri, [("k", LT, 100_000)])
    assert lib.compact(uri) == (0, 0)
    lib.delete(uri, [("k", LT, 200_000)])
    assert lib.compact(uri) == (1, 1)
    assert lance.dataset(uri).count_rows() == (1 << 20) - 200_000


# ---- indexes

def uses_index(uri, where):
    return "ScalarIndexQuery" in lance.dataset(uri).scanner(filter=where).explain_plan()


@pytest.mark.parametrize("kind", ["btree", "bitmap"])
def test_indexes_live_through_changes(lib, with_ids, kind):
    table = with_ids
    lib.index_create(table, "k", kind=BITMAP if kind == "bitmap" else 0)
    lib.write(table, rows(100, 120), APPEND)
    lib.index_update(table)
    assert lance.dataset(table).stats.index_stats("k_idx")["num_unindexed_rows"] == 0
    lib.delete(table, [("k", GE, 5), ("k", LT, 15)])
    lib.compact(table)
    stats = lance.dataset(table).stats.index_stats("k_idx")
    assert stats["num_unindexed_rows"] == 0
    lib.write(table, rows(200, 210), APPEND)
    for where, want in {"k = 3": [3], "k = 7": [], "k >= 118": [118, 119, *range(200, 210)]}.items():
        assert sorted(lance.dataset(table).to_table(filter=where)["k"].to_pylist()) == want
        assert uses_index(table, where)
    lib.index_drop(table, "k_idx")
    assert not lance.dataset(table).has_index
    with pytest.raises(Failed, match="no index 'k_idx'|has no index"):
        lib.index_drop(table, "k_idx")


def test_an_index_goes_with_its_column(lib, table):
    lib.index_create(table, "k", name="on k")
    lib.index_create(table, "s")
    lib.drop_columns(table, ["s"])
    assert [i["name"] for i in lance.dataset(table).list_indices()] == ["on k"]
    assert lance.dataset(table).to_table(filter="k = 5")["k"].to_pylist() == [5]


def test_indexes_in_a_table_of_addresses(lib, table):
    """Rows that move get other addresses; the index is right all the same, for it does not cover them any more."""
    lib.index_create(table, "k")
    lib.update(table, [("k", EQ, 42)], {"k": 1042})
    lib.compact(table)
    for where, want in {"k = 42": [], "k = 1042": [1042], "k = 7": [7]}.items():
        assert lance.dataset(table).to_table(filter=where)["k"].to_pylist() == want
    lib.index_update(table)
    for where, want in {"k = 42": [], "k = 1042": [1042], "k = 7": [7]}.items():
        assert lance.dataset(table).to_table(filter=where)["k"].to_pylist() == want


# ---- conditions that an index answers

def test_conditions_give_what_a_scan_gives(lib, tmp_path):
    uri = str(tmp_path / "t.lance")
    n = 5000
    values = pa.table({
        "i": pa.array([None if k % 11 == 0 else k % 40 for k in range(n)], pa.int16()),
        "u": pa.array([k % 40 for k in range(n)], pa.uint64()),
        "f": pa.array([None if k % 7 == 0 else [0.0, -0.0, float("nan"), k % 9 / 2][k % 4] for k in range(n)]),
        "s": pa.array([None if k % 5 == 0 else f"s{k % 100}" for k in range(n)]),
        "d": pa.array([k % 30 for k in range(n)], pa.date32()), "k": pa.array(range(n), pa.int64())})
    lance.write_dataset(values, uri, max_rows_per_file=1500, enable_stable_row_ids=True)
    where = [[("i", EQ, 3)], [("i", IS_NULL)], [("i", EQ, 1000000)], [("i", EQ, 3.0)], [("i", EQ, 3.5)], [("u", EQ, 7)],
             [("u", EQ, -1)], [("f", EQ, 0.0)], [("f", EQ, float("nan"))], [("f", EQ, 1)], [("f", IS_NULL)],
             [("s", EQ, "s7")], [("s", EQ, "")], [("s", IS_NULL)], [("d", EQ, 4)], [("s", EQ, "s7"), ("k", GE, 2500)],
             [("k", LT, 3000), ("i", EQ, 5), ("s", EQ, "s45")], [("i", EQ, 5), ("i", EQ, 6)], [("k", EQ, 4999)]]

    def answers():
        all_of = dict(row_id=True, row_offset=True, created=True, updated=True)
        return [(str(lib.scan(uri, w, **all_of).to_pydict()), lib.count(uri, w),
                 str(lib.scan(uri, w, columns=["k"], limit=3, batch_rows=2).to_pydict())) for w in where]

    for column in "iufsdk":
        lance.dataset(uri).create_scalar_index(column, "BTREE")
    lib.delete(uri, [("k", GE, 100), ("k", LT, 140)])
    lib.update(uri, [("s", EQ, "s8")], {"s": "s7"})
    lib.write(uri, values.slice(0, 200), APPEND)
    with_index = answers()
    for column in "iufsdk":
        lib.index_drop(uri, f"{column}_idx")
    assert answers() == with_index
    assert sum(n for _, n, _ in with_index) > 2000
