#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures omnigraph/lance.h beside pylance on the same data: docs/dev/performance.md says what and why.

    lance_run.py BUILD [--runs 5] [--rows 1000000] [--folder DIR]

Both are called from this process, in turn within each run; figures are medians, ratios are medians of the ratios of each
run.  Answers are compared, not only timed.  Ends with 1 when pylance is faster or its files are smaller; beyond that
there are goals, and those not reached yet are listed.
"""
import argparse
import ctypes as C
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/interop"))

import lance
import numpy as np
import pyarrow as pa

from lance_api import APPEND, CREATE, EQ, GE, LT, Library, ScanOpts, Stream


def words(r, n, alphabet="abcdefghijklmnopqrstuvwxyz"):
    return ["".join(r.choices(alphabet, k=r.randrange(3, 11))) for _ in range(n)]


def data_sets():
    """Name -> rows, of the kinds a graph has."""
    r, g = random.Random(1), np.random.default_rng(1)
    w = words(r, 5000)
    zipf = 1 / np.arange(1, 5001) ** 1.07
    zipf /= zipf.sum()
    n = 200_000
    person = lambda: [f"p{i:06}" for i in g.integers(0, 100_000, n)]
    sparse = lambda make: [make() if r.random() < 0.05 else None for _ in range(50_000)]
    return {
        "edges": pa.table({"id": [f"{i:08x}-knows-{i * 7919 % 100_000:06}" for i in range(n)], "src": person(),
                           "dst": person(), "since": pa.array(g.integers(15000, 20000, n).astype("int32"), pa.date32())}),
        "people": pa.table({"id": [f"p{i:06}" for i in range(n)],
                            "name": [f"{w[a].title()} {w[b].title()}" for a, b in g.integers(0, 5000, (n, 2))],
                            "age": g.integers(0, 100, n).astype("int32"), "city": [w[c] for c in g.integers(0, 700, n)],
                            "mail": [f"{w[a]}.{i}@example.com" for i, a in enumerate(g.integers(0, 5000, n))]}),
        "documents": pa.table({"id": [f"d{i}" for i in range(20_000)],
                               "text": [" ".join(w[k] for k in g.choice(5000, r.randrange(20, 60), p=zipf))
                                        for _ in range(20_000)],
                               "kind": [("note", "task", "paper")[i % 3] for i in range(20_000)]}),
        "vectors": pa.table({"id": range(20_000), "v": pa.FixedSizeListArray.from_arrays(
            pa.array(g.standard_normal(20_000 * 128).astype("float32")), 128)}),
        "nulls": pa.table({f"c{i}": sparse(lambda: r.randrange(10**6)) if i % 2 else
                           sparse(lambda: f"v{r.randrange(1000)}") for i in range(20)}),
    }


def bytes_below(uri, folder=""):
    return sum(f.stat().st_size for f in pathlib.Path(uri, folder).rglob("*") if f.is_file())


def clock(fn, *args, **named):
    begin = time.perf_counter()
    out = fn(*args, **named)
    return (time.perf_counter() - begin) * 1e3, out


class Opened:
    """A table of ours that stays open, as pylance's dataset does."""

    def __init__(self, lib, uri):
        self.lib, self.d = lib, lib.open(uri)

    def rows(self, call, *args):
        stream = Stream()
        self.lib.call(call, self.d, *args, C.byref(stream))
        return pa.RecordBatchReader._import_from_c(C.addressof(stream)).read_all()

    def scan(self, where=(), columns=None):
        o = self.lib.options(ScanOpts, "og_scan_opts_init")
        if where:
            o.where, o.where_count = self.lib.conditions(where), len(where)
        if columns:
            o.columns = self.lib.names(columns)
        return self.rows("og_dataset_scan", C.byref(o))

    def count(self, where):
        o = self.lib.options(ScanOpts, "og_scan_opts_init", where=self.lib.conditions(where), where_count=len(where))
        n = C.c_uint64()
        self.lib.call("og_dataset_count", self.d, C.byref(o), C.byref(n))
        return n.value

    def take(self, rows):
        return self.rows("og_dataset_take", (C.c_uint64 * len(rows))(*rows), C.c_size_t(len(rows)), None)


class Bench:
    def __init__(self, options):
        os.environ["OG_BUILD_DIR"] = str(pathlib.Path(options.build).resolve())
        self.lib, self.runs, self.n = Library(), options.runs, options.rows
        self.folder = tempfile.mkdtemp(prefix="lance-", dir=options.folder)
        self.samples, self.missed = {}, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, name, ours, theirs):
        self.samples.setdefault(name, []).append((ours, theirs))

    def large(self):
        """A million rows by pylance, with an index, open in both hands."""
        g = np.random.default_rng(2)
        rows = pa.table({"k": g.permutation(self.n), "n": g.integers(0, 1000, self.n), "x": g.standard_normal(self.n),
                         "s": pa.array(np.char.add("s", g.integers(0, self.n, self.n).astype(str)))})
        uri = self.path("large.lance")
        lance.write_dataset(rows, uri, enable_stable_row_ids=True, data_storage_version="2.2")
        lance.dataset(uri).create_scalar_index("k", "BTREE")
        return uri, rows

    def reading(self, uri):
        r = random.Random(3)
        ours, theirs = Opened(self.lib, uri), lance.dataset(uri)
        ours.scan(), theirs.to_table()  # memory that the first scan takes, later ones find
        for _ in range(self.runs):
            a, x = clock(ours.scan)
            b, y = clock(theirs.to_table)
            assert x.num_rows == y.num_rows == self.n
            self.add("scan to Arrow ms", a, b)
            a, x = clock(ours.count, [("n", GE, 250), ("n", LT, 500)])
            b, y = clock(theirs.count_rows, "n >= 250 AND n < 500")
            assert x == y
            self.add("filtered count ms", a, b)
            self.many("take of 100 rows ms", [r.sample(range(self.n), 100) for _ in range(20)], ours.take, theirs.take)
            self.many("lookup through BTREE ms", [r.randrange(self.n) for _ in range(200)],
                      lambda k: ours.scan([("k", EQ, k)]), lambda k: theirs.to_table(filter=f"k = {k}"))

    def many(self, name, questions, ours, theirs):
        """One run of short questions: all to one, then all to the other; the median of each."""
        a, x = zip(*[clock(ours, q) for q in questions])
        b, y = zip(*[clock(theirs, q) for q in questions])
        assert all(i.equals(k) and i.num_rows for i, k in zip(x, y))
        self.add(name, statistics.median(a), statistics.median(b))

    def merging(self, uri, rows):
        copies = self.path("ours.lance"), self.path("theirs.lance")
        for copy in copies:
            shutil.copytree(uri, copy)
        r = random.Random(4)
        for i in range(self.runs):
            keys = r.sample(range(self.n), 900) + [self.n + 100 * i + j for j in range(100)]
            new = rows.slice(0, 1000).set_column(0, "k", pa.array(keys, pa.int64())).combine_chunks()
            os.sync()
            a, counts = clock(self.lib.merge, copies[0], new, ["k"])
            merge = lance.dataset(copies[1]).merge_insert("k").when_matched_update_all().when_not_matched_insert_all()
            os.sync()
            b, stats = clock(merge.execute, new)
            assert counts == (stats["num_inserted_rows"], stats["num_updated_rows"], 0) == (100, 900, 0)
            self.add("merge of 1,000 rows ms", a, b)

    def history(self, what, ids):
        """A thousand commits of one row each, with row ids and row versions or, as is Lance's default, without."""
        ours, theirs = self.path(f"history-{ids}-ours.lance"), self.path(f"history-{ids}-theirs.lance")
        row = lambda i: pa.table({"k": pa.array([i], pa.int64()), "s": [f"row {i}"]})
        for i in range(1000):
            self.lib.write(ours, row(i), APPEND if i else CREATE, no_row_ids=not i and not ids)
            lance.write_dataset(row(i), theirs, mode="append" if i else "create", enable_stable_row_ids=ids,
                                data_storage_version="2.2")
        assert self.lib.scan(ours).sort_by("k").equals(lance.dataset(theirs).to_table().sort_by("k"))
        self.add(what, bytes_below(ours) / 1e3, bytes_below(theirs) / 1e3)
        return theirs

    def opening(self, uri):
        for _ in range(20 * self.runs):
            a, d = clock(self.lib.open, uri)
            self.lib.lib.og_dataset_close(d)
            b, _ = clock(lance.dataset, uri)
            self.add("open at version 1,000 ms", a, b)

    def sizes(self):
        for name, rows in data_sets().items():
            ours, theirs = self.path(f"{name}-ours.lance"), self.path(f"{name}-theirs.lance")
            self.lib.write(ours, rows.combine_chunks(), CREATE)
            lance.write_dataset(rows, theirs, data_storage_version="2.2", enable_stable_row_ids=True)
            assert lance.dataset(ours).to_table().equals(rows.combine_chunks()) or \
                lance.dataset(ours).to_table().to_pydict() == rows.to_pydict()
            self.add(f"files of {name} kB", bytes_below(ours, "data") / 1e3, bytes_below(theirs, "data") / 1e3)

    def table(self):
        goals = {"scan to Arrow ms": 4, "filtered count ms": 5, "take of 100 rows ms": 5, "lookup through BTREE ms": 20,
                 "open at version 1,000 ms": 3, "1,000 commits kB": 10}
        print(f"{'':<28}{'ours':>12}{'pylance':>12}{'pylance / ours':>16}   goal")
        for name, pairs in self.samples.items():
            ratio = round(statistics.median(b / a for a, b in pairs), 3)
            goal = goals.get(name, 1)
            ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
            note = "  MISSED" if ratio < 1 else "  not yet" if ratio < goal else ""
            print(f"{name:<28}{ours:>12.3f}{theirs:>12.3f}{ratio:>16.3f}   {goal}{note}")
            if ratio < 1:
                self.missed.append(f"{name}: {ratio}")

    def main(self):
        try:
            print(f"pylance {lance.__version__}, {self.n} rows, {self.runs} runs")
            uri, rows = self.large()
            self.reading(uri)
            self.merging(uri, rows)
            self.history("1,000 commits kB", ids=False)
            self.opening(self.history("... with row versions kB", ids=True))
            self.sizes()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.table()
        print("\n" + "\n".join(f"missed: {m}" for m in self.missed) if self.missed else "\nin nothing is pylance ahead")
        return 1 if self.missed else 0


def options():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--folder", default=str(ROOT / "build/bench"))
    o = p.parse_args()
    pathlib.Path(o.folder).mkdir(parents=True, exist_ok=True)
    return o


if __name__ == "__main__":
    sys.exit(Bench(options()).main())
