# SPDX-License-Identifier: MIT
"""Indexes shared with real Lance: what one side builds, the other uses, extends and merges, and every lookup gives what
looking at all rows gives.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder in which the target lance_index_tool was built.  Run with each
pinned pylance.
"""
import datetime
import json
import math
import os
import pathlib
import random
import subprocess

import lance
import pyarrow as pa
import pytest

DAY = datetime.date(2024, 2, 28)
NOON = datetime.datetime(2024, 2, 28, 12)


def scattered(i):
    return (i * 7919) % 10007


# name -> (Arrow type, value of number i, literal of a value in SQL, value as our tool takes it)
TYPES = {
    "i8": (pa.int8(), lambda i: scattered(i) % 256 - 128, str, int),
    "i32": (pa.int32(), lambda i: scattered(i) - 5000, str, int),
    "i64": (pa.int64(), lambda i: (scattered(i) - 5000) << 40, str, int),
    "u16": (pa.uint16(), lambda i: scattered(i) * 6, str, int),
    "u64": (pa.uint64(), lambda i: scattered(i) << 40, str, int),
    "f32": (pa.float32(), lambda i: (scattered(i) - 5000) / 8, None, float),
    "f64": (pa.float64(), lambda i: math.nan if i % 83 == 0 else (scattered(i) % 900 - 450) / 4, str, float),
    "text": (pa.utf8(), lambda i: f"k{scattered(i):05d}" if i % 50 else "", lambda v: f"'{v}'", str),
    "large_text": (pa.large_utf8(), lambda i: "é" * (scattered(i) % 40), None, str),
    "flag": (pa.bool_(), lambda i: i % 3 == 0, str, bool),
    "date": (
        pa.date32(),
        lambda i: DAY + datetime.timedelta(days=scattered(i) % 800),
        lambda v: f"date '{v}'",
        lambda v: (v - datetime.date(1970, 1, 1)).days,
    ),
    "time": (
        pa.timestamp("us"),
        lambda i: NOON + datetime.timedelta(seconds=scattered(i)),
        lambda v: f"timestamp '{v}'",
        lambda v: int((v - datetime.datetime(1970, 1, 1)) / datetime.timedelta(microseconds=1)),
    ),
}
FEW = ("i8", "f64", "text", "flag", "date")  # a BITMAP is slow for Lance where values are many
SCHEMA = pa.schema([pa.field("k", pa.int64(), nullable=False), *(pa.field(n, t[0]) for n, t in TYPES.items())])


def table_of(keys, shift=0):
    """One row per key; with another shift it has other values, and other nulls."""
    columns = [pa.array(keys, pa.int64())]
    for j, (kind, value, _, _) in enumerate(TYPES.values()):
        numbers = [k + 31 * shift for k in keys]
        columns.append(pa.array([None if (i + j) % 23 == 0 else value(i) for i in numbers], kind))
    return pa.table(columns, SCHEMA)


def as_json(name, value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return TYPES[name][3](value)


def rank(value):
    """NaN is above all."""
    nan = isinstance(value, float) and math.isnan(value)
    return (nan, 0 if nan else value)


class Query:
    def __init__(self, kind, *values):
        self.kind, self.values = kind, values

    def keeps(self, value):
        if self.kind == "null" or value is None:
            return value is None and self.kind == "null"
        here, bounds = rank(value), [rank(v) for v in self.values]
        if self.kind == "in":
            return here in bounds
        if self.kind == "from":
            return here >= bounds[0]
        if self.kind == "below":
            return here < bounds[0]
        return bounds[0] <= here < bounds[1]

    def ours(self, name):
        values = [as_json(name, v) for v in self.values]
        if self.kind == "null":
            return {"null": True}
        if self.kind == "in":
            return {"in": values}
        if self.kind == "from":
            return {"low": values[0]}
        if self.kind == "below":
            return {"high": values[0], "high_open": True}
        return {"low": values[0], "high": values[1], "high_open": True}

    def sql(self, name):
        """None: Lance has no literal for it that means the same."""
        literal = TYPES[name][2]
        if self.kind == "null":
            return f"{name} is null"
        if not literal or any(rank(v)[0] for v in self.values):
            return None
        values = [literal(v) for v in self.values]
        if self.kind == "in":
            return f"{name} in ({', '.join(values)})"
        if self.kind == "from":
            return f"{name} >= {values[0]}"
        if self.kind == "below":
            return f"{name} < {values[0]}"
        return f"{name} >= {values[0]} and {name} < {values[1]}"


def queries(rng, present):
    some = [v for v in rng.sample(present, 40) if v is not None]
    low, high = sorted(some[:2], key=rank)
    return [
        Query("in", some[2]),
        Query("in", *some[3:9]),
        Query("from", max(some, key=rank)),
        Query("below", min(some, key=rank)),
        Query("between", low, high),
        Query("null"),
    ]


class Shared:
    def __init__(self, folder, tool, kind):
        self.folder, self.tool, self.kind, self.rng = folder, tool, kind, random.Random(7)
        self.names = tuple(TYPES) if kind == "BTREE" else FEW

    @property
    def path(self):
        return str(self.folder / "t")

    def ours(self, *command, lines=()):
        done = subprocess.run(
            [self.tool, str(self.folder), "t", *map(str, command)],
            input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs(self):
        return lance.dataset(self.path)

    def write(self, keys, shift=0, mode="append", **options):
        lance.write_dataset(table_of(keys, shift), self.path, mode=mode, **options)

    def check(self, names=None, use=True):
        """Both sides' lookups give what the rows say, and Lance uses the index."""
        dataset, names = self.theirs(), names or self.names
        everything = dataset.to_table(with_row_id=True)
        ids = everything["_rowid"].to_pylist()
        indexed = {i["name"]: i for i in dataset.list_indices()}
        assert {f"{n}_x" for n in names} <= set(indexed)
        for name in names:
            values = everything[name].to_pylist()
            asked = queries(self.rng, values)
            answers = self.ours("find", f"{name}_x", lines=[q.ours(name) for q in asked])
            for query, answer in zip(asked, answers, strict=True):
                want = sorted(i for i, v in zip(ids, values, strict=True) if query.keeps(v))
                assert sorted(answer) == want, (name, query.kind, query.values)
                if query.sql(name) and use:
                    self.check_theirs(dataset, query.sql(name), want)

    @staticmethod
    def check_theirs(dataset, sql, want):
        scanner = dataset.scanner(filter=sql, columns=["k"], with_row_id=True)
        assert "ScalarIndexQuery" in scanner.explain_plan(), sql
        assert sorted(scanner.to_table()["_rowid"].to_pylist()) == want, sql


@pytest.fixture(name="shared", params=["BTREE", "BITMAP"])
def make_shared(tmp_path, request):
    folder = os.environ.get("OG_BUILD_DIR")
    if not folder:
        pytest.skip("OG_BUILD_DIR is not set")
    tool = pathlib.Path(folder) / "bin" / "lance_index_tool"
    if not tool.exists():
        pytest.skip(f"{tool} was not built")
    return Shared(tmp_path, str(tool), request.param)


def build_theirs(shared, names=None):
    dataset = shared.theirs()
    for name in names or shared.names:
        dataset.create_scalar_index(name, shared.kind, name=f"{name}_x")


def build_ours(shared, names=None):
    for name in names or shared.names:
        shared.ours("build", name, f"{name}_x", shared.kind)


def disturb(shared):
    """Rows that no index knows, rows that are gone, and rows with new values: one more fragment each."""
    shared.theirs().delete("k % 11 = 3")
    shared.write(range(20000, 20600), shift=1)
    dataset = shared.theirs()
    dataset.merge_insert("k").when_matched_update_all().when_not_matched_insert_all().execute(
        table_of(range(100, 300), shift=2)
    )


STABLE = {"enable_stable_row_ids": True}


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_we_read_what_lance_builds(shared, version):
    shared.write(range(9000), mode="create", data_storage_version=version, max_rows_per_file=4000, **STABLE)
    build_theirs(shared)
    shared.check(use=False)
    disturb(shared)
    shared.check(use=False)


def test_we_read_an_index_of_a_table_without_stable_ids(shared):
    shared.write(range(5000), mode="create", max_rows_per_file=2000)
    build_theirs(shared)
    disturb(shared)
    shared.check(use=False)
    shared.theirs().optimize.compact_files()
    shared.check(use=False)


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_lance_uses_what_we_build(shared, version):
    shared.write(range(9000), mode="create", data_storage_version=version, max_rows_per_file=4000, **STABLE)
    disturb(shared)
    build_ours(shared)
    shared.check()
    disturb(shared)
    shared.check()


def test_lance_brings_our_index_up_to_date(shared):
    shared.write(range(9000), mode="create", **STABLE)
    build_ours(shared)
    disturb(shared)
    shared.theirs().optimize.optimize_indices()
    shared.check()
    assert all(len(i["fragments"]) == len(shared.theirs().get_fragments()) for i in shared.ours("list"))


def test_we_bring_their_index_up_to_date(shared):
    shared.write(range(9000), mode="create", **STABLE)
    build_theirs(shared)
    disturb(shared)
    for name in shared.names:
        shared.ours("fold", f"{name}_x")
    shared.check()
    assert all(len(i["fragments"]) == len(shared.theirs().get_fragments()) for i in shared.ours("list"))


def test_segments_of_both_sides_merge(shared):
    names = ("i64", "text", "f64")
    shared.write(range(9000), mode="create", **STABLE)
    build_ours(shared, names)
    shared.write(range(10000, 10500))
    for name in names:
        shared.ours("fold", f"{name}_x")
    assert len(shared.ours("list")) == 2 * len(names)
    shared.check(names)
    shared.write(range(11000, 11700))
    shared.theirs().optimize.optimize_indices(num_indices_to_merge=0)
    shared.check(names)
    shared.write(range(12000, 12100))
    for name in names:
        shared.ours("fold", f"{name}_x", "all")
    shared.check(names)
    assert len(shared.ours("list")) == len(names)
    assert all(i["fragments"] == [0, 1, 2, 3] for i in shared.ours("list"))


def test_an_updated_row_is_not_found_by_its_old_value(shared):
    """Lance 10 believes a segment that knew the row before its update."""
    shared.write(range(9000), mode="create", **STABLE)
    build_ours(shared, ("i64",))
    shared.theirs().update({"i64": "17"}, where="k < 50")
    shared.ours("fold", "i64_x")
    assert len(shared.ours("list")) == 1
    shared.check(("i64",))


@pytest.mark.parametrize("build", [build_ours, build_theirs], ids=["ours", "theirs"])
def test_an_index_lives_through_compaction(shared, build):
    shared.write(range(9000), mode="create", max_rows_per_file=1000, **STABLE)
    build(shared)
    disturb(shared)
    shared.theirs().optimize.compact_files()
    shared.check()
    assert len(shared.theirs().get_fragments()) < 5


def test_a_dropped_index_is_gone_for_both(shared):
    shared.write(range(100), mode="create", **STABLE)
    build_ours(shared, ("i64", "text"))
    shared.ours("drop", "i64_x")
    assert [i["name"] for i in shared.theirs().list_indices()] == ["text_x"]
    shared.theirs().drop_index("text_x")
    assert shared.ours("list") == []
    shared.write(range(200, 300))
    assert shared.theirs().count_rows() == 200
