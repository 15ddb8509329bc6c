# SPDX-License-Identifier: MIT
"""Random tables in the hands of two engines: each step is done by one of them, and both must then read the same rows.

Needs pylance, hypothesis, pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so.  OG_CASES is how many
tables are tried (100), OG_SEED where the search begins; docs/dev/testing.md says how to add a run to the log of seeds.
"""
import datetime
import os
import random
import tempfile

import lance
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, reject, seed, settings, strategies as st

from lance_api import APPEND, CONTAINS, CREATE, GE, HAS, LABEL_LIST, LT, NGRAM, OVERWRITE, Library

CASES, SEED = int(os.environ.get("OG_CASES", "100")), int(os.environ.get("OG_SEED", "1"))

LEAVES = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64(), pa.float32(), pa.float64(),
          pa.bool_(), pa.string(), pa.large_string(), pa.binary(), pa.date32(), pa.timestamp("us"),
          pa.timestamp("ms", tz="UTC"), pa.list_(pa.float32(), 4), pa.list_(pa.int16(), 3)]


def nested(inner):
    return st.one_of(
        inner.map(pa.list_),
        st.lists(inner, min_size=1, max_size=3).map(lambda ts: pa.struct([(f"f{i}", t) for i, t in enumerate(ts)])))


# Lance 10 does not read the lists of lists of long texts that it writes itself.
WITH_BLOBS = hasattr(lance, "blob_array")
OLD = int(lance.__version__.split(".")[0]) < 14
LEAF = st.sampled_from(LEAVES)
TYPES = st.one_of(LEAF, nested(LEAF)) if OLD else st.recursive(LEAF, nested, max_leaves=4)
STEPS = ["our append", "their append", "our delete", "their delete", "their compaction", "their update", "our overwrite",
         "their overwrite", "their drop", "their add", "their merge", "our merge", "our update", "our compaction",
         "our drop", "our add", "our nulls", "our rename", "our restore", "our index",
         "our cleanup"]


def random_value(r, kind, shape):
    """`shape` makes columns that different encodings suit: runs, few values, small ones."""
    if r.random() < shape["nulls"]:
        return None
    if pa.types.is_fixed_size_list(kind):
        return [random_value(r, kind.value_type, {**shape, "nulls": 0}) for _ in range(kind.list_size)]
    if pa.types.is_list(kind):
        return [random_value(r, kind.value_type, shape) for _ in range(r.choice([0, 1, 2, 3, 9]))]
    if pa.types.is_struct(kind):
        return {f.name: random_value(r, f.type, shape) for f in kind}
    if shape["few"]:
        r = random.Random(r.randrange(shape["few"]))
    if pa.types.is_boolean(kind):
        return r.random() < 0.5
    if pa.types.is_integer(kind):
        bits = min(kind.bit_width, shape["bits"])
        low = 0 if pa.types.is_unsigned_integer(kind) else -(1 << bits - 1)
        return r.randrange(low, low + (1 << bits))
    if pa.types.is_float32(kind):
        return r.randrange(-999, 999) / 8
    if pa.types.is_floating(kind):
        return r.uniform(-1e9, 1e9)
    if pa.types.is_date32(kind):
        return datetime.date.fromordinal(r.randrange(1, 3000000))
    if pa.types.is_timestamp(kind):
        return r.randrange(-10**14, 10**14) // (1 if kind.unit == "us" else 1000)
    size = r.choice([0, 1, 5, 20, shape["longest"]])
    return r.randbytes(size) if pa.types.is_binary(kind) else "".join(r.choices("abcdé€ 0", k=size))


def random_column(r, kind, rows):
    shape = {"nulls": r.choice([0, 0, 0.1, 0.9]), "few": r.choice([0, 0, 1, 3, 40]), "bits": r.choice([1, 7, 13, 33, 64]),
             "longest": r.choice([40, 40, 300])}
    run = r.choice([1, 1, 1, 50])
    values = [random_value(r, kind, shape) for _ in range((rows + run - 1) // run)]
    return pa.array([v for v in values for _ in range(run)][:rows], kind)


SIZES = {"inline": 8, "dedicated": 100, "pack_file": 300} # so that small blobs lie in all places
BLOB = pa.field("b", pa.large_binary(), metadata={
    "lance:blob": "v2", **{f"lance-encoding:blob-{k.replace('_', '-')}-size-threshold": str(v) for k, v in SIZES.items()}})


def as_theirs(rows):
    """With blobs as Lance takes them."""
    if "b" not in rows.column_names:
        return rows
    field = lance.blob_field("b", **{f"{k}_size_threshold": v for k, v in SIZES.items() if k != "pack_file" or not OLD})
    return rows.set_column(rows.column_names.index("b"), field, lance.blob_array(rows["b"].to_pylist()))


def read_theirs(uri, **which):
    """All rows by pylance, with the bytes of blobs."""
    d = lance.dataset(uri, **which)
    rows = d.to_table(columns=[name for name in d.schema.names if name != "b"])
    if "b" not in d.schema.names:
        return rows
    blobs = d.take_blobs("b", indices=list(range(len(rows)))) if len(rows) else []
    values = pa.array([b and b.readall() for b in blobs], pa.large_binary())
    return rows.add_column(d.schema.names.index("b"), "b", values)


def wishes(r, kind):
    """Metadata that asks for an encoding, of the kinds that suit the type."""
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if r.random() < 0.6 or pa.types.is_nested(kind) or pa.types.is_boolean(kind):
        return None
    out = {"lance-encoding:compression": r.choice(["zstd", "lz4", "none"] + ["fsst"] * text)}
    if r.random() < 0.3:
        out["lance-encoding:structural-encoding"] = r.choice(["miniblock", "fullzip"])
    return out


class Pair:
    """A table on disk and what must be in it, k the key that tells rows apart."""

    def __init__(self, lib, uri, r, kinds, blobs=False):
        self.lib, self.uri, self.r, self.next = lib, uri, r, 0
        self.kinds = {"k": pa.int64(), **({"b": pa.large_binary()} if blobs else {}), **{f"c{i}": kind for i, kind in enumerate(kinds)}}
        self.wishes = {name: wishes(r, kind) for name, kind in self.kinds.items() if name not in ("k", "b")}
        self.rows = None

    def schema(self):
        return pa.schema([BLOB if name == "b" else pa.field(name, kind, metadata=self.wishes.get(name))
                          for name, kind in self.kinds.items()])

    def blobs(self, n):
        nulls, r = self.r.choice([0, 0.2, 1]), self.r
        values = [None if r.random() < nulls else r.randbytes(r.choice([0, 3, 8, 9, 60, 100, 101, 250])) for _ in range(n)]
        return pa.array(values, pa.large_binary())

    def new_rows(self, low=0):
        n = self.r.choice([low, 1, 2, 17, 300, 1500])
        columns = [pa.array(range(self.next, self.next + n), pa.int64())]
        columns += [self.blobs(n) if name == "b" else random_column(self.r, kind, n)
                    for name, kind in list(self.kinds.items())[1:]]
        self.next += n
        return pa.table(columns, schema=self.schema())

    def lance_write(self, rows, **options):
        try:
            lance.write_dataset(as_theirs(rows), self.uri, **options)
        except OSError as e:
            if "null_bit_buffer size too small" in str(e):
                reject()  # Lance stumbles over some slices of structs with nulls
            raise

    def create(self, ours, minor):
        self.rows = self.new_rows()
        if ours:
            self.lib.write(self.uri, self.rows, CREATE, file_minor=minor, no_row_ids=self.r.random() < 0.3)
        else:
            self.lance_write(self.rows, data_storage_version=f"2.{minor}", enable_stable_row_ids=self.r.random() < 0.7,
                             max_rows_per_file=self.r.choice([100, 10**6]))

    def step(self, what):
        who, op = what.split()
        getattr(self, op)(who == "our")

    def append(self, ours):
        rows = self.new_rows()
        if ours:
            self.lib.write(self.uri, rows, APPEND)
        else:
            self.lance_write(rows, mode="append")
        self.rows = pa.concat_tables([self.rows, rows])

    def overwrite(self, ours):
        self.rows = self.new_rows(low=1)
        if ours:
            self.lib.write(self.uri, self.rows, OVERWRITE)
        else:
            self.lance_write(self.rows, mode="overwrite")

    def some(self):
        """A range of keys, as numbers and as a mask of the rows."""
        low = self.r.randrange(self.next + 1)
        high = low + self.r.choice([0, 1, 5, self.next])
        k = self.rows["k"]
        return low, high, pc.and_(pc.greater_equal(k, low), pc.less(k, high))

    def delete(self, ours):
        low, high, mask = self.some()
        if ours:
            assert self.lib.delete(self.uri, [("k", GE, low), ("k", LT, high)]) == (pc.sum(mask).as_py() or 0)
        else:
            lance.dataset(self.uri).delete(f"k >= {low} AND k < {high}")
        self.rows = self.rows.filter(pc.invert(mask))

    def update(self, ours):
        low, high, mask = self.some()
        where = [("k", GE, low), ("k", LT, high)]
        if ours and "n" not in self.kinds:
            return
        if ours:
            assert self.lib.update(self.uri, where, {"n": low}) == (pc.sum(mask).as_py() or 0)
            n = pc.if_else(mask, pa.scalar(low, pa.int64()), self.rows["n"])
            self.rows = self.rows.set_column(self.rows.column_names.index("n"), "n", n)
            return
        lance.dataset(self.uri).update({"k": f"k + {10**9}"}, where=f"k >= {low} AND k < {high}")
        k = pc.if_else(mask, pc.add(self.rows["k"], 10**9), self.rows["k"])
        self.rows = self.rows.set_column(0, "k", k)

    def merge(self, ours):
        """Half of them are there, half are new."""
        old = self.rows.slice(0, len(self.rows) // 3)
        fresh = self.new_rows()
        images = fresh.slice(0, min(len(old), len(fresh) // 2))
        images = images.set_column(0, "k", old["k"].slice(0, len(images)))
        rows = pa.concat_tables([images, fresh.slice(len(images))]).combine_chunks()
        if ours:
            assert self.lib.merge(self.uri, rows, ["k"]) == (len(rows) - len(images), len(images), 0)
        else:
            merge = lance.dataset(self.uri).merge_insert("k")
            merge.when_matched_update_all().when_not_matched_insert_all().execute(as_theirs(rows))
        gone = pc.is_in(self.rows["k"], images["k"].combine_chunks())
        self.rows = pa.concat_tables([self.rows.filter(pc.invert(gone)), rows])

    def compaction(self, ours):
        if not ours:
            lance.dataset(self.uri).optimize.compact_files()
            return
        taken, made = self.lib.compact(self.uri)
        assert made < taken or taken == made == 0 or lance.dataset(self.uri).version > 1
        assert self.lib.compact(self.uri) == (0, 0)

    def drop(self, ours):
        name = list(self.kinds)[-1]
        if len(self.kinds) <= 2 or name == "b":
            return
        if ours:
            self.lib.drop_columns(self.uri, [name])
        else:
            lance.dataset(self.uri).drop_columns([name])
        del self.kinds[name]
        self.rows = self.rows.drop_columns([name])

    def add(self, ours):
        name = f"c{len(self.kinds)}x{self.next}"
        if name in self.kinds:
            return
        if ours:
            k = self.lib.scan(self.uri, columns=["k"])["k"]
            self.lib.add_columns(self.uri, pa.table({name: pc.multiply(k, 2)}))
        else:
            lance.dataset(self.uri).add_columns({name: "k * 2"})
        self.kinds[name] = pa.int64()
        self.rows = self.rows.append_column(pa.field(name, pa.int64()), pc.multiply(self.rows["k"], 2))

    def nulls(self, ours):
        """A column of nulls, which our updates then set."""
        if "n" in self.kinds:
            return
        self.lib.add_null_columns(self.uri, pa.schema([("n", pa.int64())]))
        self.kinds["n"] = pa.int64()
        self.rows = self.rows.append_column("n", pa.nulls(len(self.rows), pa.int64()))

    def rename(self, ours):
        old = list(self.kinds)[-1]
        new = f"{old}r"
        if old in ("k", "b"):
            return
        self.lib.rename_column(self.uri, old, new)
        self.kinds = {new if name == old else name: kind for name, kind in self.kinds.items()}
        self.rows = self.rows.rename_columns(list(self.kinds))

    def restore(self, ours):
        """To a version, and back again."""
        versions = [v["version"] for v in lance.dataset(self.uri).versions()]
        old = self.r.choice(versions)
        self.lib.restore(self.uri, old)
        then = read_theirs(self.uri, version=old)
        assert self.lib.scan(self.uri).sort_by("k").equals(then.sort_by("k").cast(self.lib.scan(self.uri).schema))
        self.lib.restore(self.uri, versions[-1])

    def cleanup(self, ours):
        self.lib.cleanup(self.uri, older_than_s=0, keep=self.r.choice([1, 2]))

    def index(self, ours):
        """Over the key, or a column of texts or lists; asked from both sides."""
        name = self.r.choice([name for name in self.kinds if name != "b"])
        kind = self.kinds[name]
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self.gram_index(name)
        if pa.types.is_list(kind) and pa.types.is_integer(kind.value_type) and not pa.types.is_uint64(kind.value_type):
            return self.label_index(name)
        self.lib.index_create(self.uri, "k")
        low, high, mask = self.some()
        got = lance.dataset(self.uri).to_table(columns=["k"], filter=f"k >= {low} AND k < {high}")
        assert sorted(got["k"].to_pylist()) == sorted(self.rows.filter(mask)["k"].to_pylist())

    def keys(self, name, test):
        return sorted(k for k, v in zip(self.rows["k"].to_pylist(), self.rows[name].to_pylist()) if v is not None and test(v))

    def gram_index(self, name):
        self.lib.index_create(self.uri, name, NGRAM)
        part = self.r.choice(["abc", "bd", "dab", "é", "a€", "0 d", "ddd", "cab0"])
        want = self.keys(name, lambda v: part in v)
        assert sorted(self.lib.scan(self.uri, [(name, CONTAINS, part)])["k"].to_pylist()) == want
        if part.isascii() and len(part) > 2 and " " not in part:
            assert sorted(lance.dataset(self.uri).to_table(filter=f"contains({name}, '{part}')")["k"].to_pylist()) == want

    def label_index(self, name):
        self.lib.index_create(self.uri, name, LABEL_LIST)
        items = [i for v in self.rows[name].to_pylist() if v for i in v if i is not None]
        item = self.r.choice(items + [0])
        want = self.keys(name, lambda v: item in v)
        assert sorted(self.lib.scan(self.uri, [(name, HAS, item)])["k"].to_pylist()) == want
        assert sorted(lance.dataset(self.uri).to_table(filter=f"array_has({name}, {item})")["k"].to_pylist()) == want

    def check(self, after):
        want = self.rows.sort_by("k").combine_chunks()
        for who, got in ("we", self.lib.scan(self.uri)), ("pylance", read_theirs(self.uri)):
            got = got.sort_by("k").combine_chunks()
            assert got.schema.types == want.schema.types, f"after {after} {who} read {got.schema}"
            for name in want.column_names:
                if not got[name].equals(want[name]):
                    i = next(i for i, (a, b) in enumerate(zip(got[name], want[name])) if a != b)
                    raise AssertionError(f"after {after} {who} read {got[name][i]}, not {want[name][i]}, "
                                         f"in row {i} of {name}")
            assert len(got) == len(want), f"after {after} {who} read {len(got)} rows of {len(want)}"

    def check_taking(self):
        got = self.lib.scan(self.uri, columns=["k"], row_offset=True)
        places = self.r.sample(got["_rowoffset"].to_pylist(), min(len(got), 20))
        k = dict(zip(got["_rowoffset"].to_pylist(), got["k"].to_pylist()))
        assert self.lib.take(self.uri, places)["k"].to_pylist() == [k[p] for p in places]


@pytest.fixture(scope="module")
def lib():
    return Library()


@seed(SEED)
@settings(max_examples=CASES, deadline=None, database=None, print_blob=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(TYPES, min_size=1, max_size=4), steps=st.lists(st.sampled_from(STEPS), max_size=6),
       ours=st.booleans(), minor=st.sampled_from([1, 2]), number=st.integers(0, 2**32))
def test_both_read_what_either_wrote(lib, kinds, steps, ours, minor, number):
    with tempfile.TemporaryDirectory() as folder:
        r = random.Random(number)
        pair = Pair(lib, f"{folder}/t.lance", r, kinds, blobs=minor == 2 and WITH_BLOBS and r.random() < 0.4)
        pair.create(ours, minor)
        pair.check("creation")
        for i, what in enumerate(steps):
            pair.step(what)
            pair.check(f"step {i}, {what}")
        pair.check_taking()
        lance.dataset(pair.uri).validate()
