# SPDX-License-Identifier: MIT
"""Field metadata that asks for an encoding: pages are written so, and both sides read them.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so and bin/omnigraph.
"""
import json
import os
import pathlib
import subprocess

import lance
import numpy as np
import pyarrow as pa
import pytest

from lance_api import APPEND, CREATE, EQ, Library

N = 3000
G = np.random.default_rng(1)
TEXT = [f"text number {i}" for i in range(N)]
LONG = [("lorem ipsum dolor sit amet " * 1500 + str(i)) if i < 30 else f"s{i}" for i in range(N)]
NOISE = G.integers(0, 2**62, N)
SOME = [None if i % 7 == 0 else f"some text {i % 50} {i}" for i in range(N)]
# name -> (type, values, metadata, what the page should be)
FIELDS = {
    "ints_zstd": (pa.int64(), [i % 7 * 1000003**2 for i in range(N)], {"compression": "zstd"},
                  "general zstd of byte-stream-split of flat 64"),
    "ints_lz4": (pa.int32(), [i % 7 * 1000003 for i in range(N)], {"compression": "lz4"},
                 "general lz4 of byte-stream-split of flat 32"),
    "floats": (pa.float64(), np.linspace(0, 1, N), {"compression": "zstd", "bss": "on", "compression-level": "7"},
               "general zstd of byte-stream-split of flat 64"),
    "unsplit": (pa.float32(), [i % 9 / 3 for i in range(N)], {"compression": "lz4", "bss": "off"}, "general lz4 of flat 32"),
    "shorts": (pa.int16(), [i % 5 * 7919 for i in range(N)], {"compression": "zstd"}, "general zstd of flat 16"),
    "noise": (pa.int64(), NOISE, {"compression": "zstd"}, None),  # what is smallest
    "plain": (pa.int32(), [i % 7 for i in range(N)], {"compression": "none"}, "flat 32"),
    "text_zstd": (pa.utf8(), TEXT, {"compression": "zstd"}, "general zstd of variable"),
    "text_lz4": (pa.large_utf8(), TEXT, {"compression": "lz4"}, "general lz4 of variable"),
    "text_none": (pa.utf8(), TEXT * 1, {"compression": "none"}, "mini-block: variable"),
    "text_fsst": (pa.utf8(), [t * 3 for t in TEXT], {"compression": "fsst"}, "mini-block: fsst of variable"),
    "nullable": (pa.utf8(), SOME, {"compression": "zstd"}, "general zstd of variable"),
    "zip": (pa.utf8(), TEXT, {"structural-encoding": "fullzip"}, "full-zip"),
    "zip_ints": (pa.int64(), range(N), {"structural-encoding": "fullzip"}, "full-zip: flat 64"),
    "blocks": (pa.utf8(), ["x" * 300 + str(i) for i in range(N)], {"structural-encoding": "miniblock"}, "mini-block"),
    "too_long": (pa.utf8(), LONG, {"structural-encoding": "miniblock"}, "full-zip"),
    "huge": (pa.utf8(), LONG, {}, "full-zip: general zstd of variable"),
    "huge_lz4": (pa.binary(), [t.encode() for t in LONG], {"compression": "lz4"}, "full-zip: general lz4 of variable"),
    "huge_none": (pa.utf8(), LONG, {"compression": "none"}, "full-zip: variable"),
    "unknown": (pa.int32(), range(N), {"compression": "newer", "structural-encoding": "newer"}, "inline bit-packing 32"),
    "lists": (pa.list_(pa.utf8()), [None if i % 11 == 0 else TEXT[i:i + i % 4] for i in range(N)], {"compression": "zstd"},
              "general zstd of variable"),
    "flags": (pa.bool_(), [i % 3 == 0 for i in range(N)], {"compression": "zstd"}, "flat 1"),
    "vectors": (pa.list_(pa.float32(), 4), [[i, i + 1, 0, None] for i in range(N)], {"compression": "lz4"}, "fixed-size list"),
}


def table():
    fields = [pa.field(n, t, metadata={f"lance-encoding:{k}": v for k, v in m.items()}) for n, (t, _, m, _) in FIELDS.items()]
    return pa.table([pa.array(v, t) for t, v, _, _ in FIELDS.values()], schema=pa.schema(fields))


def encodings(uri):
    tool = pathlib.Path(os.environ["OG_BUILD_DIR"]) / "bin/omnigraph"
    report = json.loads(subprocess.run([tool, "lance", "inspect", uri], check=True, capture_output=True).stdout)
    assert report["problems"] == []
    return {c["name"]: c["pages"][0]["encoding"] for c in report["fragments"][0]["files"][0]["columns"]}


@pytest.mark.parametrize("minor", [1, 2])
def test_metadata_is_obeyed_and_read_by_both(tmp_path, minor):
    lib, uri, t = Library(), str(tmp_path / "t.lance"), table()
    lib.write(uri, t, CREATE, file_minor=minor)
    got = encodings(uri)
    for name, (_, _, _, want) in FIELDS.items():
        column = "item" if name == "lists" else name
        if want:
            assert want in got[column], name
    plain = t.replace_schema_metadata(None)
    for dataset in (lance.dataset(uri).to_table(), lib.scan(uri)):
        for name in FIELDS:
            assert dataset[name].combine_chunks().equals(plain[name].combine_chunks()), name
    rows = [2999, 0, 17, 29, 30, 1024, 1023, 2048]
    taken = lib.take(uri, rows)
    theirs = lance.dataset(uri).take(rows)
    for name in FIELDS:
        assert taken[name].to_pylist() == theirs[name].to_pylist() == plain[name].take(rows).to_pylist(), name
    assert lib.count(uri, [("text_zstd", EQ, TEXT[5])]) == 1


def test_the_other_side_writes_on(tmp_path):
    """Metadata goes with the table: what either side appends is encoded alike, and a compaction of either reads it."""
    lib, uri, t = Library(), str(tmp_path / "t.lance"), table().drop_columns(["unknown"])  # Lance refuses those
    lance.write_dataset(t, uri, data_storage_version="2.2")
    lib.write(uri, t, APPEND)
    lance.write_dataset(t, uri, mode="append")
    lance.dataset(uri).optimize.compact_files()
    assert lib.scan(uri).num_rows == 3 * N
    lib.write(uri, t, APPEND)
    lib.compact(uri)
    got = lance.dataset(uri).to_table()
    for name in t.column_names:
        assert got[name].combine_chunks().equals(pa.concat_tables([t] * 4)[name].combine_chunks()), name


def test_packed_structs(tmp_path):
    lib = Library()
    kind = pa.struct([("a", pa.int32()), ("b", pa.float64()), ("c", pa.uint8())])
    values = [None if i % 13 == 5 else {"a": i, "b": i / 4, "c": i % 250} for i in range(N)]
    schema = pa.schema([pa.field("k", pa.int64()), pa.field("p", kind, metadata={"lance-encoding:packed": "true"})])
    t = pa.table([pa.array(range(N)), pa.array(values, kind)], schema=schema)
    for minor in (1, 2):
        uri = str(tmp_path / f"{minor}.lance")
        lib.write(uri, t, CREATE, file_minor=minor)
        assert "packed struct" in encodings(uri)["p"]
        lib.write(uri, t, APPEND)
        lance.write_dataset(t.slice(0, 10), uri, mode="append")
        want = pa.concat_tables([t, t, t.slice(0, 10)])
        for got in (lib.scan(uri), lance.dataset(uri).to_table()):
            assert got.to_pydict() == want.to_pydict()
        assert lib.take(uri, [5, 6, 18, N - 1])["p"].to_pylist() == [values[i] for i in (5, 6, 18, N - 1)]
        lib.compact(uri)
        assert lance.dataset(uri).to_table().to_pydict() == want.to_pydict()
    bad = pa.table([pa.array([0]), pa.array([{"a": None, "b": 1, "c": 3}], kind)], schema=schema)
    with pytest.raises(Exception, match='field "a" of a packed struct holds nulls'):
        lib.write(str(tmp_path / "bad.lance"), bad, CREATE)
    kind = pa.struct([("a", pa.list_(pa.float32(), 3))])
    bad = pa.table([pa.array([{"a": [1, 2, 3]}], kind)],
                   schema=pa.schema([pa.field("p", kind, metadata={"lance-encoding:packed": "true"})]))
    with pytest.raises(Exception, match="is a packed struct with more than numbers in it, and is only read"):
        lib.write(str(tmp_path / "bad.lance"), bad, CREATE)
