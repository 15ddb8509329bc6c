# SPDX-License-Identifier: MIT
"""Conditions of scans through lance.h: an index, whichever answers, gives what looking at all rows gives."""
import functools
import math
import random

import pyarrow as pa
import pytest

from lance_api import APPEND, BITMAP, BTREE, CREATE, EQ, GE, GT, IN, IS_NOT_NULL, IS_NULL, LE, LT, NE, Failed, Library

ROWS = 20000
COMPARE = {EQ: lambda a, b: a == b, NE: lambda a, b: a != b, LT: lambda a, b: a < b, LE: lambda a, b: a <= b,
           GT: lambda a, b: a > b, GE: lambda a, b: a >= b}


def rank(value):
    """NaN is above all, and equal to itself."""
    nan = isinstance(value, float) and math.isnan(value)
    return (nan, 0 if nan else value)


def holds(value, compare, wanted):
    if compare in (IS_NULL, IS_NOT_NULL):
        return (value is None) == (compare == IS_NULL)
    if value is None:
        return False
    if compare == IN:
        return any(rank(value) == rank(w) for w in wanted)
    return COMPARE[compare](rank(value), rank(wanted))


def column(r, kind, value, nulls=0.05):
    return pa.array([None if r.random() < nulls else value() for _ in range(ROWS)], kind)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    r, folder, lib = random.Random(5), tmp_path_factory.mktemp("t"), Library()
    single = lambda: r.choice([0.1, 0.5, -0.0, 0.0, math.nan, math.inf, r.randrange(1000) / 8])
    rows = pa.table({
        "i8": column(r, pa.int8(), lambda: r.randrange(-128, 128)),
        "u64": column(r, pa.uint64(), lambda: r.choice([0, 2**64 - 1, r.randrange(2**64)])),
        "i64": column(r, pa.int64(), lambda: r.randrange(-9999, 9999)),
        "f32": column(r, pa.float32(), single),
        "f64": column(r, pa.float64(), single),
        "s": column(r, pa.string(), lambda:
                    "k" + "".join(r.choices("abcé", k=r.randrange(6)))),
        "few": column(r, pa.int32(), lambda: r.randrange(300)),
        "n": pa.array(range(ROWS), pa.int64()),
    })
    uris = [str(folder / f"{name}.lance") for name in ("plain", "indexed")]
    for uri in uris:
        lib.write(uri, rows.slice(0, ROWS - 500), CREATE)
    for name in rows.column_names[:-1]:
        lib.index_create(uris[1], name, BITMAP if name == "few" else BTREE)
    for uri in uris: # rows that no segment covers, changed and deleted ones
        lib.write(uri, rows.slice(ROWS - 500), APPEND)
        lib.update(uri, [("n", GE, 77), ("n", LT, 90)], {"i64": 5, "s": "kaa"})
        lib.delete(uri, [("n", GE, 1000), ("n", LT, 1100)])
    return lib, uris, lib.scan(uris[0])


VALUES = {
    "i8": lambda r: r.choice([r.randrange(-140, 140), 0.5, 3.0, 2**63, -2**40]),
    "u64": lambda r: r.choice([0, 2**64 - 1, -1, 2**63, r.randrange(2**63)]),
    "i64": lambda r: r.choice([r.randrange(-10000, 10000), 5, 2.5, float(r.randrange(100)), 2**63, math.inf]),
    "f32": lambda r: r.choice([0.1, 0.5, 0.0, -0.0, math.nan, math.inf, 0.10000000149011612, 7, r.randrange(1000) / 8]),
    "f64": lambda r: r.choice([0.1, 0.5, 0.0, -0.0, math.nan, 7, 2**53 + 1, r.randrange(1000) / 8]),
    "s": lambda r: r.choice(["k", "ka", "kab", "kz", "", "ké"]),
    "few": lambda r: r.randrange(-5, 305),
}


def conditions(r):
    out = []
    for _ in range(r.choice([1, 1, 2, 3])):
        name = r.choice(list(VALUES)[:7] if not out or r.random() < 0.5 else [out[0][0]])
        compare = r.choice([EQ, LT, LE, GT, GE, IN, IN, NE, IS_NULL, IS_NOT_NULL])
        value = None if compare in (IS_NULL, IS_NOT_NULL) else VALUES[name](r)
        if compare == IN:
            value = [VALUES[name](r) for _ in range(r.choice([0, 1, 3, 40]))]
        out.append((name, compare) if value is None else (name, compare, value))
    return out


def test_an_index_changes_no_answer(tables):
    lib, (plain, indexed), rows = tables
    r = random.Random(8)
    values = rows.to_pydict()
    for _ in range(80):
        where = conditions(r)
        want = [n for i, n in enumerate(values["n"]) if all(holds(values[c[0]][i], c[1], c[2] if len(c) > 2 else None) for c in where)]
        for uri in (plain, indexed):
            assert sorted(lib.scan(uri, where, columns=["n"])["n"].to_pylist()) == sorted(want), (uri, where)
            assert lib.count(uri, where) == len(want)


def test_lists_of_values_are_checked(tables):
    lib, (plain, _), _ = tables
    for where, text in (([("i64", IN, "x")], "needs a list"), ([("s", IN, [1])], "cannot be compared with a int64"),
                        ([("i64", IN, [[1]])], "list in a list"), ([("i64", EQ, [1])], "which is none")):
        with pytest.raises(Failed, match=text):
            lib.scan(plain, where)
    assert lib.count(plain, [("i64", IN, [])]) == 0
    assert lib.count(plain, [("n", IN, list(range(0, 40000, 2)))]) == (ROWS - 100) // 2


# ---- orders

def by(order):
    def compare(a, b):
        for name, down in order:
            x, y = [(v is not None, rank(v) if v is not None else 0) for v in (a[name], b[name])]
            if x != y:
                return (1 if x > y else -1) * (-1 if down else 1)
        return 0
    return functools.cmp_to_key(compare)


def test_rows_in_the_order_of_columns(tables):
    lib, uris, rows = tables
    r = random.Random(9)
    values = rows.to_pylist()
    same = lambda v: "nan" if isinstance(v, float) and math.isnan(v) else v
    for i in range(16):
        order = [(name, r.random() < 0.5) for name in r.sample(["i8", "u64", "i64", "f32", "f64", "s", "few"], r.choice([1, 1, 2, 3]))]
        where = conditions(r) if r.random() < 0.5 else []
        columns = r.choice([None, ["n"], ["n", order[0][0]], ["s", "n"]])
        limit = r.choice([0, 0, 1, 500, ROWS])
        want = sorted([v for v in values if all(holds(v[c[0]], c[1], c[2] if len(c) > 2 else None) for c in where)], key=by(order))
        want = want[:limit or None]
        extras = {"row_offset": r.random() < 0.5, "row_id": r.random() < 0.5}
        memory = r.choice([{}, {"memory_limit": 8 << 20, "threads": 1}])
        got = lib.scan(r.choice(uris), where, columns=columns, order=order, limit=limit, batch_rows=r.choice([0, 100]), open_with=memory, **extras)
        assert got["n"].to_pylist() == [v["n"] for v in want], (i, order, where, limit)
        for name in got.column_names:
            if name in rows.column_names:
                assert list(map(same, got[name].to_pylist())) == [same(v[name]) for v in want], name
        if extras["row_offset"]:
            plain = lib.scan(uris[0], columns=["n"], row_offset=True)
            place = dict(zip(plain["n"].to_pylist(), plain["_rowoffset"].to_pylist()))
            assert got["_rowoffset"].to_pylist() == [place[v["n"]] for v in want]


def test_more_than_fits_into_memory_is_ordered(tmp_path):
    """60 MB of nested rows, and less than that of memory."""
    lib, uri, r = Library(), str(tmp_path / "t.lance"), random.Random(4)
    n = 60000
    k = list(range(n))
    r.shuffle(k)
    rows = pa.table({"k": pa.array(k), "v": pa.array([[i / 8] * 100 for i in k], pa.list_(pa.float64(), 100)),
                     "l": pa.array([None if i % 7 == 0 else [{"a": i, "s": str(i) * (i % 5)}] * (i % 4) for i in k],
                                   pa.list_(pa.struct([("a", pa.int64()), ("s", pa.string())])))})
    lib.write(uri, rows, CREATE)
    want, at = rows.sort_by([("k", "descending")]), 0
    for batch in lib.reader(uri, order=[("k", True)], batch_rows=5000, open_with={"memory_limit": 40 << 20, "threads": 1}):
        assert pa.table(batch).equals(want.slice(at, len(batch)).cast(batch.schema))
        at += len(batch)
    assert at == n


def test_orders_that_cannot_be(tables):
    lib, (plain, _), _ = tables
    with pytest.raises(Failed, match='no column "x"'):
        lib.scan(plain, order=[("x", False)])


def test_blobs_in_an_order(tmp_path):
    lib, uri = Library(), str(tmp_path / "t.lance")
    schema = pa.schema([pa.field("k", pa.int64()), pa.field("b", pa.large_binary(), metadata={"lance:blob": "v2"})])
    blobs = [None if i % 5 == 0 else bytes([i]) * (i * 40000) for i in range(30)]
    lib.write(uri, pa.table([pa.array(range(30)), pa.array(blobs, pa.large_binary())], schema=schema), CREATE)
    assert lib.scan(uri, order=[("k", True)], open_with={"memory_limit": 100 << 20})["b"].to_pylist() == blobs[::-1]
    with pytest.raises(Failed, match="cannot be ordered by column .b. of type blob"):
        lib.scan(uri, order=[("b", False)])
