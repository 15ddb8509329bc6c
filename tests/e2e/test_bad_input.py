# SPDX-License-Identifier: MIT
"""Broken input, broken files and broken disks: one clear error that names the place, and nothing half visible."""
import os
import random
import shutil
import struct
import subprocess

import pytest

from conftest import ADD, DATA

ADD_CY = ["mutate", "--store", "g.omni", "-e", ADD, "--params", '{"n":"Cy"}']


# Input

@pytest.mark.parametrize("schema, says", [
    ("node Person {\n  name: Strng @key\n}\n", "s.pg:2:9"),
    ("node Person {\n  name: String @key\n", "s.pg:"),
    ("edge Knows: Person -> Nobody {}\n", "Nobody"),
    ("node Person { name: String @key }\nnode Person { name: String @key }\n", "s.pg:2:"),
    ("node \0", "s.pg:1:"),
])
def test_a_broken_schema_is_shown_with_its_place_and_makes_no_graph(og, schema, says):
    (og.folder / "s.pg").write_text(schema)
    done = og.run("init", "--schema", "s.pg", "g.omni", exits=1)
    assert says in done.stderr, done
    assert not (og.folder / "g.omni").exists()


@pytest.mark.parametrize("line, says", [
    ('{"type":"Person","data":{"name":"x",}}', "line 100001"),
    ('{"type":"Person","data":{"name":"p1"}}', "line 100001"),
    ('{"type":"Person","data":{"name":"x","age":3000000000}}', "line 100001"),
    ('{"type":"Persn","data":{"name":"x"}}', "line 100001"),
    ('{"edge":"Knows","from":"p1","to":"nobody"}', "nobody"),
])
def test_one_broken_line_after_a_hundred_thousand_loads_nothing(og, line, says):
    og.init()
    good = "".join(f'{{"type":"Person","data":{{"name":"p{i}"}}}}\n' for i in range(1, 100001))
    done = og.load(good + line + "\n" + '{"type":"Person","data":{"name":"last"}}\n', exits=1)
    assert says in done.stderr, done
    assert og.run("export", "g.omni", exits=0).stdout == ""
    assert len(og.json("commit", "list", "g.omni")["commits"]) == 1


@pytest.mark.parametrize("make", ["nothing", "empty folder", "folder with a file", "file"])
def test_what_is_no_graph_is_said_to_be_none(og, make):
    place = og.folder / "thing"
    if "folder" in make:
        place.mkdir()
    if "folder with" in make:
        (place / "x").write_text("x")
    if make == "file":
        place.write_text("x")
    for verb in ("export", "snapshot"):
        done = og.run(verb, "thing", exits=1)
        assert str(place) in done.stderr, done


# Files of a graph

def newest_manifest(table):
    """Manifests are named by 2^64 - 1 - version: the first name is the newest."""
    return min(table.glob("_versions/*.manifest"))


def nodes(graph):
    return next((graph / "nodes").iterdir())


def victim(graph, kind):
    if kind == "data":
        return next(nodes(graph).glob("data/*.lance"))
    if kind == "manifest":
        return newest_manifest(nodes(graph))
    if kind == "graph data":
        return max((graph / "__manifest").glob("data/*.lance"), key=lambda path: path.stat().st_mtime_ns)
    return newest_manifest(graph / "__manifest")


KINDS = ["data", "manifest", "graph data", "graph manifest"]


def names_the_file(done, path):
    assert path.name in done.stderr, f"{path}: {done}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_named(og, graph, kind):
    path = victim(graph, kind)
    whole = path.read_bytes()
    for length in sorted({0, 1, 7, 40, len(whole) // 2, len(whole) - 41, len(whole) - 8, len(whole) - 1}):
        path.write_bytes(whole[:length])
        names_the_file(og.run("export", "g.omni", exits=1), path)
    path.write_bytes(whole)
    assert len(og.rows()) == 2


@pytest.mark.parametrize("kind", ["data", "manifest", "graph data"])
def test_a_missing_file_is_named(og, graph, kind):
    """All but the graph's newest manifest: without it a graph is one commit older, and nothing is broken."""
    path = victim(graph, kind)
    path.unlink()
    names_the_file(og.run("export", "g.omni", exits=1), path)
    before = listing(graph)
    assert "init --force" not in og.run("init", "--schema", "s.pg", "--force", "g.omni", exits=1).stderr
    assert listing(graph) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_survived_and_what_is_refused_is_named(og, graph, kind):
    seed = int(os.environ.get("OG_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"OG_SEED={seed}")
    rng = random.Random(seed)
    path = victim(graph, kind)
    tables = {table.name for kind in ("nodes", "edges") for table in (graph / kind).iterdir()}
    places = {path.name, str(graph), "__manifest", *tables}
    whole = path.read_bytes()
    refused = 0
    for _ in range(int(os.environ.get("OG_FLIPS", "60"))):
        at, bit = rng.randrange(len(whole)), rng.randrange(8)
        broken = bytearray(whole)
        broken[at] ^= 1 << bit
        path.write_bytes(broken)
        done = og.run("export", "g.omni")
        if done.returncode != 0:
            refused += 1
            assert any(place in done.stderr for place in places), f"bit {bit} of byte {at} of {path}: {done}"
    assert refused, "no flipped bit was noticed"


# Manifests, made by hand: just enough protobuf to change one.

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """The (number, wire type, payload) of a message."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
            yield key >> 3, 0, varint(value)
            continue
        size, at = {1: (8, at), 5: (4, at)}.get(key & 7) or read_varint(data, at)
        yield key >> 3, key & 7, data[at:at + size]
        at += size


def message(parts):
    return b"".join(varint(number << 3 | wire) + (varint(len(payload)) if wire == 2 else b"") + payload
                    for number, wire, payload in parts)


def nested(data, path, change):
    """The message with `change` applied to the message at the field numbers of `path`."""
    if not path:
        return change(data)
    return message((n, w, nested(p, path[1:], change) if n == path[0] else p) for n, w, p in fields(data))


def rewrite(path, change):
    """Changes the manifest message of a manifest file: [.., u32 size, message, u64 position, versions, magic]."""
    data = path.read_bytes()
    position = struct.unpack("<Q", data[-16:-8])[0]
    size = struct.unpack("<I", data[position:position + 4])[0]
    body = change(data[position + 4:position + 4 + size])
    path.write_bytes(data[:position] + struct.pack("<I", len(body)) + body + data[position + 4 + size:])


FRAGMENTS, FILES, FILE_PATH, FILE_BASE, BASES, CONFIG = 2, 2, 1, 7, 18, 16


def test_rewriting_a_manifest_without_a_change_changes_nothing(og, graph):
    path = newest_manifest(nodes(graph))
    before = path.read_bytes()
    rewrite(path, lambda body: nested(body, [FRAGMENTS, FILES], lambda data: data))
    assert path.read_bytes() == before


@pytest.mark.parametrize("outside", ["../../x", "../../../../outside.lance", "/etc/passwd", "a/../../../x", "..", "x\0y"])
def test_a_data_file_outside_the_table_is_refused(og, graph, outside):
    """The path leads to a good copy of the file, so that only the refusal can make this fail."""
    path = newest_manifest(nodes(graph))
    shutil.copy(victim(graph, "data"), og.folder / "outside.lance")
    rewrite(path, lambda body: nested(body, [FRAGMENTS, FILES, FILE_PATH], lambda _: outside.encode()))
    done = og.run("export", "g.omni", exits=1)
    assert path.name in done.stderr or outside in done.stderr, done
    assert "No such file" not in done.stderr and "not found" not in done.stderr, done


def test_a_data_file_in_a_foreign_base_is_refused(og, graph):
    path = newest_manifest(nodes(graph))
    elsewhere = og.folder / "elsewhere"
    shutil.copytree(nodes(graph) / "data", elsewhere / "data")
    base = message([(1, 0, varint(1)), (3, 0, varint(1)), (4, 2, str(elsewhere).encode())])

    def forge(body):
        body = nested(body, [FRAGMENTS, FILES], lambda data: data + message([(FILE_BASE, 0, varint(1))]))
        return body + message([(BASES, 2, base)])

    rewrite(path, forge)
    done = og.run("export", "g.omni", exits=1)
    assert str(elsewhere) in done.stderr and nodes(graph).name in done.stderr, done


def test_a_graph_of_another_layout_is_refused_and_left_as_it_is(og, graph):
    path = newest_manifest(graph / "__manifest")
    stamp = b"omnigraph:internal_schema_version\x12\x016"
    assert path.read_bytes().count(stamp) == 1
    path.write_bytes(path.read_bytes().replace(stamp, stamp[:-1] + b"7"))
    before = listing(graph)
    for args in (["export", "g.omni"], ADD_CY, ["init", "--schema", "s.pg", "g.omni"]):
        done = og.run(*args, exits=1)
        assert args[0] == "init" or ("7" in done.stderr and "6" in done.stderr), done
    assert listing(graph) == before


# Disks

def listing(folder):
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this process may not mount: {done.stderr.strip()}")


@pytest.fixture
def read_only(graph):
    mount("--bind", graph, graph)
    try:
        mount("-o", "remount,bind,ro", graph)
        yield graph
    finally:
        subprocess.run(["umount", graph], check=True)


@pytest.fixture
def small_disk(og):
    """A graph's folder on a file system of 256 KiB."""
    place = og.folder / "g.omni"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_read_only_graph_reads_and_its_writes_say_why_they_cannot(og, read_only):
    before = listing(read_only)
    assert len(og.rows()) == 2
    for args in (ADD_CY, ["branch", "create", "b", "--uri", "g.omni"]):
        done = og.run(*args, exits=1)
        assert "read-only" in done.stderr.lower() and str(read_only) in done.stderr, done
    assert listing(read_only) == before


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(og, small_disk):
    og.init()
    og.load(DATA)
    before = og.run("export", "g.omni", exits=0).stdout
    lines = "".join(f'{{"type":"Person","data":{{"name":"{os.urandom(200).hex()}"}}}}\n' for _ in range(2000))
    done = og.load(lines, exits=1)
    assert "space" in done.stderr and str(small_disk) in done.stderr, done
    assert og.run("export", "g.omni", exits=0).stdout == before
    assert len(og.json("commit", "list", "g.omni")["commits"]) == 2
    og.run(*ADD_CY, exits=0)
    assert len(og.rows()) == 3
