# SPDX-License-Identifier: MIT
"""Lance blobs (blob v2): what real Lance writes in any placement we read, and what we write it reads."""
import base64
import json
import os
import pathlib
import random
import subprocess

import ctypes as C

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, CREATE, Failed, Library, Writer

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


def theirs(uri, rows=None):
    """The blobs of column b by pylance, in the order of the rows."""
    d = lance.dataset(uri)
    n = d.count_rows() if rows is None else rows
    return [b and b.readall() for b in d.take_blobs("b", indices=list(range(n)))]


def files(uri):
    return {p.name[:3] for p in pathlib.Path(uri).glob("data/*/*.blob")}


def marked(kind, **sizes):
    """A field that our library takes for a blob, of the given Arrow type."""
    keys = {"inline": "blob-inline-size-threshold", "dedicated": "blob-dedicated-size-threshold", "pack": "blob-pack-file-size-threshold"}
    return pa.field("b", kind, metadata={"lance:blob": "v2", **{f"lance-encoding:{keys[k]}": str(v) for k, v in sizes.items()}})


if hasattr(lance, "blob_array"):
    @pytest.mark.parametrize("ids", [True, False])
    def test_our_blobs_in_every_placement(tmp_path, ids):
        lib, uri = Library(), str(tmp_path / "t.lance")
        schema = pa.schema([pa.field("id", pa.int64()), marked(pa.large_binary())])
        table = pa.table([pa.array(range(len(VALUES))), pa.array(VALUES, pa.large_binary())], schema=schema)
        lib.write(uri, table, CREATE, no_row_ids=not ids)
        assert files(uri) == {"100", "010"}
        assert theirs(uri) == VALUES
        # once more as Lance's own struct, then whole rows written again in every way there is
        logical = pa.table([pa.array(range(10, 10 + len(VALUES))), lance.blob_array(VALUES)],
                           schema=pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")]))
        lib.write(uri, logical, APPEND)
        want = dict(zip([*range(len(VALUES)), *range(10, 10 + len(VALUES))], VALUES * 2))
        def check():
            got = lib.scan(uri)
            assert dict(zip(got["id"].to_pylist(), got["b"].to_pylist())) == want
            assert dict(zip(lance.dataset(uri).to_table(columns=["id"])["id"].to_pylist(), theirs(uri))) == want
            assert json.loads(run(BIN / "omnigraph", "lance", "inspect", uri))["problems"] == []
        check()
        assert lib.update(uri, [("id", 0, 4)], {"id": 40}) == 1
        want[40] = want.pop(4)
        check()
        lib.merge(uri, pa.table({"id": pa.array([3, 99])}), ["id"])
        want[99] = None
        check()
        lib.merge(uri, pa.table([pa.array([0, 98]), lance.blob_array([b"x" * 70000, b"new"])], schema=logical.schema), ["id"])
        want |= {0: b"x" * 70000, 98: b"new"}
        check()
        assert lib.delete(uri, [("id", 0, 1)]) == 1
        del want[1]
        taken, made = lib.compact(uri)
        assert made == 1 < taken
        check()
        lance.write_dataset(logical.slice(3, 2), uri, mode="append")
        want_rows = len(want) + 2
        assert lib.scan(uri).num_rows == want_rows
        kept = set(pathlib.Path(uri).glob("data/*/*.blob"))
        lib.cleanup(uri, older_than_s=0)
        left = set(pathlib.Path(uri).glob("data/*/*.blob"))
        assert len(left) == 5 < len(kept) # a pack and two large ones of the compaction, and two of pylance
        assert lib.scan(uri).num_rows == want_rows == len(theirs(uri))

    def test_a_compaction_of_theirs_and_a_branch_keep_our_blobs(tmp_path):
        lib, uri = Library(), str(tmp_path / "t.lance")
        schema = pa.schema([pa.field("id", pa.int64()), marked(pa.large_binary(), inline=4, dedicated=30, pack=40)])
        values = [bytes([i]) * i for i in range(50)]
        for part in (slice(0, 20), slice(20, 50)):
            lib.write(uri, pa.table([pa.array(range(50)[part]), pa.array(values[part], pa.large_binary())], schema=schema),
                      CREATE if part.start == 0 else APPEND)
        assert len(list(pathlib.Path(uri).glob("data/*/*.blob"))) > 20 # packs of one or two, and large ones
        lib.branch_create(uri, "wip")
        lib.write(uri, pa.table([pa.array([50]), pa.array([b"of the branch"], pa.large_binary())], schema=schema), APPEND,
                  branch=b"wip")
        assert lib.scan(uri, branch="wip").sort_by("id")["b"].to_pylist() == values + [b"of the branch"]
        if int(lance.__version__.split(".")[0]) >= 14:
            lance.dataset(uri).optimize.compact_files()
        assert lib.scan(uri)["b"].to_pylist() == values == theirs(uri)
        lib.cleanup(uri, older_than_s=0)
        assert lib.scan(uri, branch="wip").sort_by("id")["b"].to_pylist() == values + [b"of the branch"]
        lib.branch_delete(uri, "wip")
        lib.cleanup(uri, older_than_s=0)
        assert lib.scan(uri)["b"].to_pylist() == values

    def test_blobs_are_written_piece_by_piece(tmp_path):
        lib, uri, r = Library(), str(tmp_path / "t.lance"), random.Random(3)
        schema = pa.schema([pa.field("id", pa.int64()), marked(pa.uint64())])
        want = [None]
        with Writer(lib, uri, schema) as w:
            w.rows(pa.record_batch([pa.array([0]), pa.array([None], pa.uint64())], schema=schema))
            for first in range(1, 40, 13):
                numbers = []
                for _ in range(13):
                    pieces = [r.randbytes(r.choice([0, 1, 999, 70000])) for _ in range(r.choice([0, 1, 3, 40]))]
                    numbers.append(w.blob("b", pieces))
                    want.append(b"".join(pieces))
                w.rows(pa.record_batch([pa.array(range(first, first + 13)), pa.array(numbers, pa.uint64())], schema=schema))
        piece = r.randbytes(1 << 20)
        with Writer(lib, uri, schema, mode=APPEND, memory_limit=40 << 20) as w: # 96 MiB through 40
            number = w.blob("b", (piece for _ in range(96)))
            w.rows(pa.record_batch([pa.array([40]), pa.array([number], pa.uint64())], schema=schema))
        want.append(piece * 96)
        assert lib.scan(uri, columns=["id"])["id"].to_pylist() == list(range(41))
        assert theirs(uri) == want
        d = lib.open(uri)
        blob, got, n = C.c_void_p(), [], C.c_size_t()
        to = C.create_string_buffer(9 << 20)
        lib.call("og_dataset_blob_open", d, b"b", C.c_int(0), C.c_uint64(40), C.byref(blob))
        lib.lib.og_dataset_close(d)
        assert lib.lib.og_blob_size(blob) == 96 << 20
        at = 0
        while True:
            lib.call("og_blob_read", blob, C.c_uint64(at), to, C.c_size_t(9 << 20), C.byref(n))
            if n.value == 0:
                break
            assert n.value <= 4 << 20
            assert to.raw[:n.value] == want[40][at:at + n.value]
            at += n.value
        assert at == 96 << 20
        lib.lib.og_blob_close(blob)

    def test_a_writer_that_is_misused_ends(tmp_path):
        lib, uri = Library(), str(tmp_path / "t.lance")
        schema = pa.schema([pa.field("id", pa.int64()), marked(pa.uint64())])
        row = lambda number: pa.record_batch([pa.array([0]), pa.array([number], pa.uint64())], schema=schema)
        def use(fail, text):
            with pytest.raises(Failed, match=text):
                with Writer(lib, uri, schema) as w:
                    fail(w)
            assert not list(pathlib.Path(tmp_path).glob("t.lance/_versions/*"))
        def twice(w):
            number = w.blob("b", [b"x"])
            w.rows(row(number))
            w.rows(row(number))
        def open_rows(w):
            lib.call("og_dataset_writer_blob_begin", w.handle, b"b")
            w.rows(row(None))
        def after_failure(w):
            with pytest.raises(Failed):
                w.rows(row(7))
            w.rows(row(None))
        use(lambda w: w.rows(row(0)), "0 is no blob that was given for these rows")
        use(twice, "0 is no blob that was given for these rows")
        use(open_rows, "rows come before the last blob has ended")
        use(lambda w: w.blob("id", []), "column 'id' is no blob that is given by numbers")
        use(lambda w: lib.call("og_dataset_writer_blob", w.handle, b"x", C.c_size_t(1)), "no blob has begun")
        use(after_failure, "the writer has ended")

    def test_blobs_outside(tmp_path):
        lib, uri = Library(), str(tmp_path / "t.lance")
        for folder in ("in", "out"):
            (tmp_path / folder / "sub dir").mkdir(parents=True)
            (tmp_path / folder / "sub dir" / "x.bin").write_bytes(bytes(range(256)) * 8)
        (tmp_path / "in" / "link.bin").symlink_to(tmp_path / "out" / "sub dir" / "x.bin")
        (tmp_path / "in" / "linked").symlink_to(tmp_path / "out" / "sub dir")
        inside, content = f"file://{tmp_path}/in/sub%20dir/x.bin", bytes(range(256)) * 8
        schema = pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")])
        rows = lambda *values: pa.table([pa.array(range(len(values))), lance.blob_array(list(values))], schema=schema)
        values = [inside, lance.Blob.from_uri(inside, position=5, size=7), b"here", None]
        with pytest.raises(Failed, match="in no folder that may be read for blobs"):
            lib.write(uri, rows(*values), CREATE)
        with pytest.raises(Failed, match="https://. are not supported"):
            lib.write(uri, rows("https://example.org/x"), CREATE, blob_folders=[tmp_path])
        allow = [tmp_path / "in"]
        lib.write(uri, rows(*values), CREATE, blob_folders=allow)
        want = [content, content[5:12], b"here", None]
        assert theirs(uri) == want
        lance.write_dataset(rows(*values), uri, mode="append", allow_external_blob_outside_bases=True)
        assert lib.scan(uri, blob_folders=allow)["b"].to_pylist() == want * 2
        assert lib.scan(uri, columns=["id"]).num_rows == 8
        with pytest.raises(OSError, match="in no folder that may be read for blobs"):
            lib.scan(uri)
        d = lib.open(uri, blob_folders=lib.folders(allow))
        assert read_part(lib, d, "b", 0, 3, 4) == (content[3:7], 2048)
        assert read_part(lib, d, "b", 5, 3, 99) == (content[8:12], 7)
        lib.lib.og_dataset_close(d)
        # rows that are written again still name the same objects, whoever may read them
        assert lib.update(uri, [("id", 0, 1)], {"id": 41}) == 2
        lib.compact(uri)
        assert sorted(filter(None, lib.scan(uri, blob_folders=allow)["b"].to_pylist())) == sorted(filter(None, want * 2))
        assert json.loads(run(BIN / "omnigraph", "lance", "inspect", uri))["problems"] == []
        # what an attacker's table may name
        bad = str(tmp_path / "bad.lance")
        for name, text in ((f"file://{tmp_path}/in/../out/sub%20dir/x.bin", "in no folder"), (f"file://{tmp_path}/inside", "in no folder"),
                           (f"file://{tmp_path}/in/link.bin", "link"), (f"file://{tmp_path}/in/linked/x.bin", "link"),
                           ("file:///etc/passwd", "in no folder"), (f"file://{tmp_path}/in", "in no folder"),
                           (f"file://{tmp_path}/in/none", "no such|not found|there is no|does not exist")):
            lance.write_dataset(rows(name), bad, mode="overwrite", data_storage_version="2.2", allow_external_blob_outside_bases=True)
            with pytest.raises(OSError, match=text):
                lib.scan(bad, blob_folders=allow)

    def test_blobs_below_a_base_path(tmp_path):
        if not hasattr(lance, "DatasetBasePath"):
            pytest.skip("this Lance has no base paths")
        lib, uri = Library(), str(tmp_path / "t.lance")
        (tmp_path / "base").mkdir()
        (tmp_path / "base" / "x.bin").write_bytes(b"0123456789")
        schema = pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")])
        value = lance.Blob.from_uri(f"file://{tmp_path}/base/x.bin", position=2, size=3)
        lance.write_dataset(pa.table([pa.array([0]), lance.blob_array([value])], schema=schema), uri, data_storage_version="2.2",
                            initial_bases=[lance.DatasetBasePath(str(tmp_path / "base"), name="b", is_dataset_root=False)])
        with pytest.raises(OSError, match="in no folder"):
            lib.scan(uri)
        assert lib.scan(uri, blob_folders=[tmp_path / "base"])["b"].to_pylist() == [b"234"]
        assert lib.update(uri, [("id", 0, 0)], {"id": 7}) == 1
        assert lib.scan(uri, blob_folders=[tmp_path / "base"])["b"].to_pylist() == [b"234"]
        assert theirs(uri) == [b"234"]

    def test_a_scan_of_large_blobs_takes_few_at_a_time(tmp_path):
        lib, uri = Library(), str(tmp_path / "t.lance")
        schema = pa.schema([pa.field("id", pa.int64()), lance.blob_field("b")])
        value = bytes(3 << 20)
        lance.write_dataset(pa.table([pa.array(range(30)), lance.blob_array([value] * 30)], schema=schema), uri,
                            data_storage_version="2.2")
        d = lib.open(uri, memory_limit=50 << 20, threads=1) # of 90 MiB
        stream = (C.c_void_p * 5)()
        lib.call("og_dataset_scan", d, None, C.byref(stream))
        lib.lib.og_dataset_close(d)
        batches = [len(b) for b in pa.RecordBatchReader._import_from_c(C.addressof(stream))]
        assert sum(batches) == 30 and max(batches) <= 6


def test_rows_with_a_blob_in_two_ways_are_refused(tmp_path):
    lib = Library()
    parts = [pa.field("data", pa.large_binary()), pa.field("uri", pa.string()), pa.field("position", pa.uint64()), pa.field("size", pa.uint64())]
    field = pa.field("b", pa.struct(parts), metadata={"ARROW:extension:name": "lance.blob.v2"})
    for value in ({"uri": f"{tmp_path}/x"}, {"data": b"x", "uri": "/y"}, {}, {"data": b"x", "position": 1, "size": 1}, {"uri": "/y", "position": 1},
                  {"uri": "/y", "position": 1, "size": 0}, {"uri": "/y", "size": 4}):
        table = pa.table([pa.array([value], field.type)], schema=pa.schema([field]))
        with pytest.raises(Failed, match="blob"):
            lib.write(str(tmp_path / "t.lance"), table, CREATE, blob_folders=[tmp_path])
