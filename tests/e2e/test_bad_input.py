# SPDX-License-Identifier: MIT
"""Broken input, broken files and broken disks: one clear error that names the place, and nothing half visible."""
import os
import random
import resource
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


@pytest.mark.parametrize("before, line, says", [
    (1000000, '{"type":"Person","data":{"name":"x",}}', "line 1000001: invalid JSON at byte 36"),
    (10000, '{"type":"Person","data":{"name":"p1"}}', "line 10001: @unique violation on Person.name"),
    (10000, '{"type":"Person","data":{"name":"x","age":3000000000}}', "line 10001: Person.age: value exceeds Int32"),
    (10000, '{"type":"Persn","data":{"name":"x"}}', "line 10001: unknown node type 'Persn'; did you mean 'Person'?"),
    (10000, '{"edge":"Knows","from":"p1","to":"nobody"}', "line 10001: edge Knows: dst 'nobody' not found in Person"),
])
def test_one_broken_line_after_many_loads_nothing(og, before, line, says):
    og.init()
    good = "".join(f'{{"type":"Person","data":{{"name":"p{i}"}}}}\n' for i in range(1, before + 1))
    done = og.load(good + line + "\n" + '{"type":"Person","data":{"name":"last"}}\n', exits=1)
    assert says in done.stderr, done
    assert og.run("export", "g.omni", exits=0).stdout == ""
    assert len(og.json("commit", "list", "g.omni")["commits"]) == 1


@pytest.mark.parametrize("data, says", [
    (b"\x89PNG\r\n\x1a\n\0\0", "line 1: invalid JSON at byte 0"),
    (b'{"type":"Person","data":{"name":"\xff"}}\n', "line 1: invalid JSON at byte 33: this is not UTF-8"),
    (b'{"type":"Person","data":{"name":"a\\u0000b"}}\n', "U+0000"),
    (b'\n\r\n{"type":"Person","data":{"name":"x"}}\r\n{"type":', "line 4: invalid JSON"),
    (b"[" * 200000, "line 1: the line is over the limit"),
    (b'{"type":"Person","data":{"name":"' + b"x" * (33 << 20) + b'"}}\n', "line 1: the line is over the limit"),
], ids=["binary", "no UTF-8", "U+0000", "cut short", "nested", "long"])
def test_data_that_is_no_ndjson_is_refused_with_its_line(og, graph, data, says):
    (og.folder / "d.ndjson").write_bytes(data)
    before = og.run("export", "g.omni", exits=0).stdout
    done = og.run("load", "--data", "d.ndjson", "--mode", "merge", "g.omni", exits=1)
    assert says in done.stderr, done
    assert og.run("export", "g.omni", exits=0).stdout == before


@pytest.mark.parametrize("args", [
    ["load", "--data", "none.ndjson", "--mode", "append", "g.omni"],
    ["load", "--data", "folder", "--mode", "append", "g.omni"],
    ["query", "--query", "none.gq", "--store", "g.omni"],
    ["init", "--schema", "folder", "h.omni"],
    ["init", "--schema", "none.pg", "h.omni"],
])
def test_a_file_that_cannot_be_read_is_named(og, graph, args):
    (og.folder / "folder").mkdir()
    done = og.run(*args, exits=1)
    assert str(og.folder / args[2]) in done.stderr, done
    assert not (og.folder / "h.omni").exists()


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


@pytest.mark.parametrize("other", ["7", "9", "5", "1", "x"])
def test_a_graph_of_another_layout_is_refused_and_left_as_it_is(og, graph, other):
    path = newest_manifest(graph / "__manifest")
    stamp = b"omnigraph:internal_schema_version\x12\x016"
    assert path.read_bytes().count(stamp) == 1
    path.write_bytes(path.read_bytes().replace(stamp, stamp[:-1] + other.encode()))
    before = listing(graph)
    for args in (["export", "g.omni"], ADD_CY, ["load", "--data", "d.ndjson", "--mode", "merge", "g.omni"],
                 ["branch", "create", "b", "--uri", "g.omni"], ["init", "--schema", "s.pg", "g.omni"],
                 ["init", "--schema", "s.pg", "--force", "g.omni"]):
        done = og.run(*args, exits=1)
        assert args[0] == "init" or (other in done.stderr and "6" in done.stderr and "g.omni" in done.stderr), done
    assert listing(graph) == before


# Disks

def listing(folder):
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())


def mount(*args):
    """Whether that worked: not every user may mount."""
    return subprocess.run(["mount", *map(str, args)], capture_output=True, check=False).returncode == 0


def forbid_writing(og, folder):
    """Takes the right to write from the owner; from root, who needs none, its power to do without."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    if os.geteuid() == 0:
        og.under = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture(params=["read-only mount", "permissions"])
def read_only(og, graph, request):
    """The graph where nothing can be written, and the word for it."""
    mounted = request.param == "read-only mount" and mount("--bind", graph, graph)
    if mounted and mount("-o", "remount,bind,ro", graph):
        word = "read-only"
    else: # permissions do, where mounting is not allowed
        forbid_writing(og, graph)
        word = "permission"
    yield graph, word
    if mounted:
        subprocess.run(["umount", graph], check=True)
    for path in [graph, *graph.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture(params=["file system", "largest file"])
def small_disk(og, request):
    """A graph's folder with room for little, and the words for that: 256 KiB in all, or in each file."""
    place = og.folder / "g.omni"
    place.mkdir()
    mounted = request.param == "file system" and mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", place)
    if not mounted:
        og.options = {"restore_signals": False,  # SIGXFSZ stays ignored, so that the write fails
                      "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))}
    yield place, "space" if mounted else "large"
    if mounted:
        subprocess.run(["umount", place], check=True)


def test_a_read_only_graph_reads_and_its_writes_say_why_they_cannot(og, read_only):
    place, word = read_only
    before = listing(place)
    assert len(og.rows()) == 2
    for args in (ADD_CY, ["load", "--data", "d.ndjson", "--mode", "merge", "g.omni"],
                 ["branch", "create", "b", "--uri", "g.omni"]):
        done = og.run(*args, exits=1)
        assert word in done.stderr.lower() and str(place) in done.stderr, done
    assert len(og.rows()) == 2
    assert listing(place) == before


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(og, small_disk):
    place, word = small_disk
    og.init()
    og.load(DATA)
    before = og.run("export", "g.omni", exits=0).stdout
    lines = "".join(f'{{"type":"Person","data":{{"name":"{os.urandom(200).hex()}"}}}}\n' for _ in range(2000))
    done = og.load(lines, exits=1)
    assert word in done.stderr and str(place) in done.stderr, done
    assert og.run("export", "g.omni", exits=0).stdout == before
    assert len(og.json("commit", "list", "g.omni")["commits"]) == 2
    og.run(*ADD_CY, exits=0)
    assert len(og.rows()) == 3


def test_a_disk_full_from_the_start_leaves_no_graph(og):
    """No file of any size can be written: init fails, and says where; afterwards it works."""
    og.options = {"restore_signals": False, "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}
    (og.folder / "s.pg").write_text("node Person { name: String @key }\n")
    done = og.run("init", "--schema", "s.pg", "g.omni", exits=1)
    assert str(og.folder / "g.omni") in done.stderr and "large" in done.stderr, done
    og.options = {}
    og.run("export", "g.omni", exits=1)
    og.run("init", "--schema", "s.pg", "g.omni", exits=0)
    assert og.run("export", "g.omni", exits=0).stdout == ""


def test_a_query_of_very_many_variables_needs_no_more_memory_than_one_of_few(og, graph):
    clauses = " ".join(f'$p{i}: Person {{ name: "Ann" }}' for i in range(1500))
    assert og.rows(f"query many() {{ match {{ {clauses} }} return {{ $p1499.name as n }} }}") == [{"n": "Ann"}]
