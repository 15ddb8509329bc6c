# SPDX-License-Identifier: MIT
"""Lance blobs (blob v2): what real Lance writes in any placement we read, and what we write it reads."""
import base64
import json
import os
import pathlib
import subprocess

import ctypes as C

import lance
import pyarrow as pa
import pytest

from lance_api import Failed, Library

BIN = pathlib.Path(os.environ["OG_BUILD_DIR"]) / "bin"
VALUES = [b"in the data file", None, b"", b"packed" * 20000, b"on its own" * 500000, b"packed again" * 9000, b"\x00\xff"]


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=True).stdout


if hasattr(lance, "blob_array"):
    def test_every_placement_is_read(tmp_path):
        schema = pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")])
        table = pa.table([pa.array(range(len(VALUES))), lance.blob_array(VALUES)], schema=schema)
        lance.write_dataset(table, tmp_path / "t.lance", data_storage_version="2.2")
        kinds = {d["kind"] for d in lance.dataset(tmp_path / "t.lance").to_table().column("b").to_pylist() if d}
        assert kinds == {0, 1, 2}
        file, = (tmp_path / "t.lance" / "data").glob("*.lance")
        for offsets in ([], [0, 3, 6]):
            rows = [json.loads(line) for line in run(BIN / "lance_rows", file, *offsets).splitlines()]
            got = [None if r["b"] is None else bytes(r["b"]) for r in rows]
            assert got == [VALUES[o] for o in offsets or range(len(VALUES))]
        assert json.loads(run(BIN / "omnigraph", "lance", "inspect", tmp_path / "t.lance"))["problems"] == []


class Part(C.Structure):
    _fields_ = [("by", C.c_int), ("row", C.c_uint64), ("start", C.c_uint64), ("to", C.c_void_p), ("room", C.c_size_t),
                ("len", C.c_size_t), ("size", C.c_uint64)]


def read_part(lib, d, column, row, start, room, by=0):
    """(bytes, size of the whole)"""
    to = C.create_string_buffer(max(room, 1))
    part = Part(by, row, start, C.cast(to, C.c_void_p), room)
    lib.call("og_dataset_blob_read", d, column.encode(), C.byref(part))
    return to.raw[:part.len], part.size


if hasattr(lance, "blob_array"):
    @pytest.mark.parametrize("ids", [True, False])
    def test_parts_of_blobs(tmp_path, ids):
        lib, uri = Library(), str(tmp_path / "t.lance")
        schema = pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")])
        table = pa.table([pa.array(range(len(VALUES))), lance.blob_array(VALUES)], schema=schema)
        lance.write_dataset(table, uri, data_storage_version="2.2", enable_stable_row_ids=ids)
        lance.write_dataset(table, uri, mode="append")
        d = lib.open(uri)
        for row in range(2 * len(VALUES)):
            value = VALUES[row % len(VALUES)]
            if value is None:
                assert read_part(lib, d, "b", row, 0, 10) == (b"", 2**64 - 1)
                continue
            for start, room in ((0, 10), (3, 5), (len(value), 9), (len(value) + 99, 9), (len(value) // 2, 1 << 16), (0, 0)):
                assert read_part(lib, d, "b", row, start, room) == (value[start:start + room], len(value))
            got = b""
            while part := read_part(lib, d, "b", row, len(got), 6 << 20)[0]:
                assert len(part) <= 4 << 20
                got += part
            assert got == value
        by_id = lib.scan(uri, columns=["id"], row_id=True)["_rowid"].to_pylist()[3]
        assert read_part(lib, d, "b", by_id, 6, 6, by=1) == (b"packed", len(VALUES[3]))
        with pytest.raises(Failed, match="column 'id' of .* is no blob"):
            read_part(lib, d, "id", 0, 0, 1)
        with pytest.raises(Failed, match="behind the last one"):
            read_part(lib, d, "b", 99, 0, 1)
        lib.lib.og_dataset_close(d)


def test_blobs_of_a_graph_are_blobs_to_real_lance(tmp_path):
    graph = tmp_path / "g"
    (tmp_path / "s.pg").write_text("node Doc { name: String @key  body: Blob?  n: I32? }\n")
    text = lambda v: None if v is None else "base64:" + base64.b64encode(v).decode()
    data = {f"d{i}": v for i, v in enumerate(VALUES)}
    (tmp_path / "d.ndjson").write_text("".join(
        json.dumps({"type": "Doc", "data": {"name": k, "body": text(v)}}) + "\n" for k, v in data.items()))
    og = BIN / "omnigraph"
    run(og, "init", "--schema", tmp_path / "s.pg", graph)
    run(og, "load", "--store", graph, "--data", tmp_path / "d.ndjson", "--mode", "append")
    run(og, "mutate", "--store", graph, "-e", 'query m() { update Doc set { n: 1 } where name = "d3" }')
    exported = [json.loads(line)["data"] for line in run(og, "export", graph).splitlines()]
    assert {r["name"]: r["body"] for r in exported} == {k: text(v) for k, v in data.items()}
    table, = (graph / "nodes").iterdir()
    dataset = lance.dataset(table)
    assert dataset.schema.field("body").type.extension_name == "lance.blob.v2"
    names = dataset.to_table(columns=["name"]).column("name").to_pylist()
    blobs = dataset.take_blobs("body", indices=list(range(len(names))))
    assert {n: b and b.readall() for n, b in zip(names, blobs)} == data
    dataset.validate()
