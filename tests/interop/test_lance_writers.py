# SPDX-License-Identifier: MIT
"""Four of our writers and two of pylance's on one table, all at once: what each was told is so in the end.

Every writer has keys of its own.  It adds some, sets their value, deletes some, and believes what the library answers; now
and then one compacts or brings the index up to date.  Needs OG_BUILD_DIR; OG_SECONDS is how long they write (3).
"""
import collections
import multiprocessing
import os
import random
import time

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, CREATE, EQ, Failed, Library

SECONDS = float(os.environ.get("OG_SECONDS", "3"))
OURS, THEIRS = 4, 2
SCHEMA = pa.schema([("k", pa.int64()), ("v", pa.int64())])


def rows(pairs):
    return pa.table([pa.array(c, pa.int64()) for c in zip(*pairs)], schema=SCHEMA)


class Ours:
    """One writer through omnigraph/lance.h."""
    refused = Failed

    def __init__(self, uri):
        self.lib, self.uri = Library(), uri

    def add(self, pairs):
        self.lib.write(self.uri, rows(pairs), APPEND)

    def put(self, pairs):
        self.lib.merge(self.uri, rows(pairs), ["k"])

    def set(self, k, v):
        assert self.lib.update(self.uri, [("k", EQ, k)], {"v": v}) == 1

    def delete(self, k):
        assert self.lib.delete(self.uri, [("k", EQ, k)]) == 1

    def care(self):
        self.lib.compact(self.uri)
        self.lib.index_update(self.uri)


class Theirs:
    """And through pylance, which says of many conflicts that one should try again."""
    refused = OSError

    def __init__(self, uri):
        self.uri = uri

    def add(self, pairs):
        lance.write_dataset(rows(pairs), self.uri, mode="append")

    def put(self, pairs):
        merge = lance.dataset(self.uri).merge_insert("k")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows(pairs))

    def set(self, k, v):
        lance.dataset(self.uri).update({"v": str(v)}, where=f"k = {k}")

    def delete(self, k):
        lance.dataset(self.uri).delete(f"k = {k}")

    def care(self):
        pass


def step(r, writer, mine, free):
    """One call, and what is so once it has returned."""
    what = r.choice(["add", "add", "put", "put", "set", "delete", "care"])
    if what in ("set", "delete") and not mine:
        what = "add"
    if what == "care":
        writer.care()
    elif what == "set":
        k, v = r.choice(sorted(mine)), r.randrange(1000)
        writer.set(k, v)
        mine[k] = v
    elif what == "delete":
        k = r.choice(sorted(mine))
        writer.delete(k)
        del mine[k]
    else:
        pairs = [(next(free), r.randrange(1000)) for _ in range(r.choice([1, 3, 20]))]
        if what == "put":
            pairs += [(k, r.randrange(1000)) for k in r.sample(sorted(mine), min(3, len(mine)))]
        getattr(writer, what)(pairs)
        mine.update(pairs)
    return what


def write(kind, number, uri, until, results):
    r, writer, mine, done = random.Random(number), kind(uri), {}, collections.Counter()
    free = iter(range(number * 10**9, (number + 1) * 10**9))
    while time.time() < until:
        try:
            done[step(r, writer, mine, free)] += 1
        except kind.refused as e:
            done["refused"] += 1
            if not any(word in str(e).lower() for word in ("conflict", "retry", "meanwhile", "other writers", "try again",
                                                          "changed by another", "too many")):
                raise
    results.put((kind.__name__, number, mine, done))


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "addresses"])
def test_nothing_is_lost(tmp_path, ids):
    uri, lib = str(tmp_path / "t.lance"), Library()
    lib.write(uri, rows([(-1, 0)]), CREATE, no_row_ids=not ids)
    lib.index_create(uri, "k")
    spawn = multiprocessing.get_context("spawn")
    results, until = spawn.Queue(), time.time() + SECONDS + 2
    kinds = [Ours] * OURS + [Theirs] * THEIRS
    writers = [spawn.Process(target=write, args=(kind, i, uri, until, results)) for i, kind in enumerate(kinds)]
    for w in writers:
        w.start()
    told, total = {-1: 0}, collections.Counter()
    for _ in writers:
        kind, _, mine, done = results.get(timeout=SECONDS + 120)
        told.update(mine)
        total.update({f"{kind} {what}": n for what, n in done.items()})
    for w in writers:
        w.join(60)
        assert w.exitcode == 0
    versions = lib.versions(uri)
    print(f"{len(versions)} versions, {len(told)} rows: {dict(sorted(total.items()))}")
    assert versions == list(range(1, versions[-1] + 1))
    for who, got in ("we", lib.scan(uri)), ("pylance", lance.dataset(uri).to_table()):
        pairs = list(zip(got["k"].to_pylist(), got["v"].to_pylist()))
        assert len(pairs) == len(told), f"{who} read {len(pairs)} rows, not {len(told)}"
        assert dict(pairs) == told, f"{who} read other values"
    lance.dataset(uri).validate()
    for k in random.Random(0).sample(sorted(told), min(10, len(told))):  # through the index
        assert lance.dataset(uri).to_table(filter=f"k = {k}")["v"].to_pylist() == [told[k]]
    assert min(total["Ours add"], total["Theirs add"], total["Ours put"]) > 0
