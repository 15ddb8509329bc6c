# SPDX-License-Identifier: MIT
"""Every table of a graph, as real Lance reads it: at the version that `omnigraph snapshot` names it has the counts, the
rows and the nulls that `omnigraph export` prints, on main and on branches, now and at every commit before.

Needs pylance and pytest, and `omnigraph` on PATH. Run with each pinned pylance.
"""
import collections
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess

import lance
import pyarrow as pa
import pyarrow.compute as pc
import pytest

DEBIAN = pathlib.Path(__file__).parents[2] / "examples" / "debian"
Table = collections.namedtuple("Table", "kind name path version branch count")


class Graph:
    """One graph, asked through the program; `seen` is what it said after each of its commits."""

    def __init__(self, folder, schema):
        self.folder, self.uri, self.seen = folder, folder / "g.omni", []
        self.run("init", "--schema", schema, self.uri)

    def run(self, *args):
        program = shutil.which("omnigraph")
        assert program, "no omnigraph on PATH"
        env = {name: value for name, value in os.environ.items() if not name.startswith("OMNIGRAPH")}
        done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, check=False,
                              cwd=self.folder, env=env | {"HOME": str(self.folder)})
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def load(self, lines, mode, branch="main"):
        data = self.folder / "data.ndjson"
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.run("load", "--data", data, "--mode", mode, "--branch", branch, self.uri)
        self.look(branch)

    def mutate(self, body, branch="main", **params):
        declared = ", ".join(f"${name}: {'I32' if isinstance(value, int) else 'String'}" for name, value in params.items())
        said = self.run("mutate", "--store", self.uri, "--branch", branch, "--json", "--params", json.dumps(params),
                        "-e", f"query m({declared}) {{ {body} }}")
        assert json.loads(said)["commit"], body
        self.look(branch)

    def tables(self, branch):
        for d in json.loads(self.run("snapshot", self.uri, "--branch", branch, "--json"))["datasets"]:
            yield Table(d["entity_kind"], d["type_name"], self.uri / d["dataset_path"], d["published_dataset_version"],
                        d["native_dataset_branch"], d["entity_count"])

    def rows(self, branch):
        """What `export` prints, as {(kind, type name): {id: row}}."""
        found = collections.defaultdict(dict)
        for line in self.run("export", self.uri, "--branch", branch).splitlines():
            entity = json.loads(line)
            ends = {"src": entity["from"], "dst": entity["to"]} if "edge" in entity else {}
            table = found["edge" if ends else "node", entity.get("type") or entity["edge"]]
            assert entity["data"]["id"] not in table
            table[entity["data"]["id"]] = entity["data"] | ends
        return found

    def look(self, branch):
        self.seen.append((list(self.tables(branch)), self.rows(branch)))


def as_text(column):
    """The column with its days and instants spelled as an export spells them."""
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        flat = iter(as_text(pc.list_flatten(column)))
        return [None if items is None else [next(flat) for _ in items] for items in column.to_pylist()]
    if pa.types.is_date64(column.type):
        instants = (v if v is None else datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=v)
                    for v in column.cast(pa.int64()).to_pylist())
        return [v and v.isoformat(timespec="milliseconds") + "Z" for v in instants]
    if pa.types.is_date32(column.type):
        return [v and v.isoformat() for v in column.to_pylist()]
    return column.to_pylist()


def rows_of(arrow):
    columns = {name: as_text(arrow.column(name).combine_chunks()) for name in arrow.schema.names}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def opened(table):
    if table.branch is None:
        return lance.dataset(str(table.path), version=table.version)
    return lance.dataset(str(table.path)).checkout_version((table.branch, table.version))


def check_table(table, rows):
    dataset = opened(table)
    dataset.validate()
    assert dataset.version == table.version
    assert dataset.count_rows() == table.count == len(rows)
    found = rows_of(dataset.to_table())
    assert len(found) == len(rows)
    for row in found:
        assert row == rows[row["id"]]
    for field in dataset.schema:
        nulls = sum(row[field.name] is None for row in rows.values())
        assert field.nullable or nulls == 0
        assert dataset.count_rows(f"`{field.name}` is null") == nulls
    some = sorted({0, len(found) // 3, len(found) - 1}) if found else []
    assert rows_of(dataset.take(some)) == [found[i] for i in some]
    if some:
        key = found[some[-1]]["id"].replace("'", "''")
        assert [row["id"] for row in rows_of(dataset.to_table(filter=f"id = '{key}'"))] == [found[some[-1]]["id"]]


def check(graph):
    """Every table that was ever visible is still, with the rows it had then; each kept version is looked at once."""
    done = {}
    for tables, rows in graph.seen:
        assert set(rows) <= {(table.kind, table.name) for table in tables}
        for table in tables:
            here = rows.get((table.kind, table.name), {})
            if table in done:
                assert done[table] == here, "one version, two contents"
            else:
                check_table(table, here)
                done[table] = here
    log = lance.dataset(str(graph.uri / "__manifest"))
    log.validate()
    assert log.count_rows() > 0
    return done


def test_the_debian_extract(tmp_path):
    graph = Graph(tmp_path, DEBIAN / "packages.pg")
    lines = [json.loads(line) for line in (DEBIAN / "extract.ndjson").read_text().splitlines()]
    graph.load(lines, "overwrite")
    assert sum(map(len, graph.seen[0][1].values())) == len(lines)
    for table in graph.tables("main"):
        assert lance.dataset(str(table.path)).version == table.version, "the newest version is the published one"

    graph.run("branch", "create", "what-if", "--uri", graph.uri)
    graph.look("what-if")
    graph.mutate('delete Package where name = "zlib1g"', "what-if")
    graph.mutate('insert Package { name: "zlib-demo" kind: "real" essential: false version: "1.0" }', "what-if")
    graph.mutate('insert DependsOn { from: "apt" to: "zlib-demo" term: 99 pre: false }', "what-if")
    graph.mutate('update Package set { priority: "required" } where name = "zlib-demo"', "what-if")
    graph.look("main")
    done = check(graph)
    assert {table.branch for table in done} == {None, "what-if"}
    assert graph.seen[-1] == graph.seen[0], "main did not notice"


EVERYTHING = """\
node Thing {
  key: String @key
  text: String?
  kind: enum(red, green, blue)?
  flag: Bool?
  i32: I32?
  i64: I64?
  u32: U32?
  u64: U64?
  f32: F32?
  f64: F64?
  day: Date?
  at: DateTime?
  place: Vector(3)?
  wide: Vector(256)?
  texts: [String]?
  flags: [Bool]?
  i32s: [I32]?
  i64s: [I64]?
  u32s: [U32]?
  u64s: [U64]?
  f32s: [F32]?
  f64s: [F64]?
  days: [Date]?
  ats: [DateTime]?
  same: I32
  never: String?
}
node Plain { n: I64 must: Bool day: Date at: DateTime place: Vector(2) tags: [String] kind: enum(a, b) }
node Empty { name: String @key }
edge Near: Thing -> Thing { weight: F64? since: DateTime? kind: enum(a, b)? notes: [String]? }
edge Bare: Thing -> Plain
"""


def moment(pick):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=pick.randrange(-10**12, 10**13))
    return at.isoformat(timespec="milliseconds") + "Z"


MAKE = {
    "text": lambda pick: pick.choice(["", "naïve 🌍", "a'b\"c\\d\n", "x" * 5000, f"t{pick.random()}"]),
    "kind": lambda pick: pick.choice(["red", "green", "blue"]),
    "flag": lambda pick: pick.random() < 0.5,
    "i32": lambda pick: pick.choice([-2**31, 2**31 - 1, 0, pick.randrange(100)]),
    "i64": lambda pick: pick.choice([-2**63, 2**63 - 1, 2**53 + 1, pick.randrange(100)]),
    "u32": lambda pick: pick.choice([2**32 - 1, 0, pick.randrange(100)]),
    "u64": lambda pick: pick.choice([2**64 - 1, 0, pick.randrange(100)]),
    "f32": lambda pick: pick.choice([0.0, -0.5, 3e38, pick.randrange(100) / 8]),
    "f64": lambda pick: pick.choice([0.1, -1e300, 5e-324, pick.random()]),
    "day": lambda pick: (datetime.date(1970, 1, 1) + datetime.timedelta(pick.randrange(-99999, 99999))).isoformat(),
    "at": moment,
    "place": lambda pick: [pick.randrange(-8, 8) / 4 for _ in range(3)],
    "wide": lambda pick: [pick.randrange(-8, 8) / 4 for _ in range(256)],
}
SCALARS = {"texts": "text", "flags": "flag", "i32s": "i32", "i64s": "i64", "u32s": "u32", "u64s": "u64", "f32s": "f32",
           "f64s": "f64", "days": "day", "ats": "at"}


def thing(pick, number):
    row = {name: make(pick) for name, make in MAKE.items()}
    row |= {name: [MAKE[one](pick) for _ in range(pick.choice([0, 1, 5]))] for name, one in SCALARS.items()}
    row = {name: value for name, value in row.items() if pick.random() < 0.8}
    return {"type": "Thing", "data": row | {"key": f"thing {number}", "same": 7}}


def plain(number):
    return {"type": "Plain", "data": {"id": f"p{number}", "n": number, "must": number % 2 == 0, "day": number, "at": number,
                                      "place": [number, 0.5], "tags": ["t"] * (number % 3), "kind": "ab"[number % 2]}}


def near(pick, number, one, other):
    data = {"weight": number / 4, "since": moment(pick), "kind": "a", "notes": ["n"] * (number % 4)}
    kept = {name: value for name, value in data.items() if pick.random() < 0.7}
    return {"edge": "Near", "from": f"thing {one}", "to": f"thing {other}", "data": kept | {"id": f"n{number}"}}


@pytest.fixture(name="everything")
def make_everything(tmp_path):
    """A graph with every type of property, in a few hundred rows and with nulls everywhere they may be."""
    schema = tmp_path / "everything.pg"
    schema.write_text(EVERYTHING)
    graph, pick = Graph(tmp_path, schema), random.Random(7)
    graph.look("main")
    lines = [thing(pick, i) for i in range(300)] + [plain(i) for i in range(40)]
    lines += [near(pick, i, pick.randrange(300), pick.randrange(300)) for i in range(500)]
    lines += [{"edge": "Bare", "from": f"thing {i}", "to": f"p{i % 40}"} for i in range(60)]
    graph.load(lines, "overwrite")
    return graph, pick


def test_every_type_of_property_and_a_graph_without_rows(everything):
    graph, _ = everything
    assert all(table.count == 0 for table in graph.seen[0][0])
    done = check(graph)
    rows = next(rows for table, rows in done.items() if table.name == "Thing" and rows)
    for name in [*MAKE, *SCALARS]:
        nulls = sum(row[name] is None for row in rows.values())
        assert 0 < nulls < len(rows), f"{name}: no null, or nothing else"


def change(graph, pick, branch, first):
    """Commits of every kind on one branch."""
    staying = thing(pick, first)
    staying["data"]["kind"] = "red"
    graph.load([staying] + [thing(pick, i) for i in range(first + 1, first + 20)], "append", branch)
    graph.load([thing(pick, i) for i in range(first + 10, first + 25)], "merge", branch)
    graph.load([near(pick, i, first + i % 10, first) for i in range(490, 520)], "merge", branch)
    graph.mutate('update Thing set { text: $t, i32: $i } where same = 7', branch, t=f"of {branch}", i=first)
    graph.mutate('update Thing set { same: 8 } where key = $k', branch, k=f"thing {first}")
    graph.mutate('delete Thing where key = $k', branch, k=f"thing {first + 5}")
    graph.mutate('delete Thing where kind = "green"', branch)
    graph.mutate('insert Empty { name: $n }', branch, n=f"of {branch}")
    graph.mutate('delete Near where weight > $w', branch, w=120 - first // 100)
    for number in range(6):
        graph.mutate('insert Bare { from: $f, to: "p1" }', branch, f=f"thing {first}")
        graph.mutate('insert Empty { name: $n }', branch, n=f"{branch} {number}")
    graph.load([plain(i) for i in range(1, 45)], "merge", branch)
    graph.load([{"edge": "Bare", "from": f"thing {first}", "to": "p1"}], "overwrite", branch)


def test_commits_of_every_kind_on_main_and_on_branches_of_branches(everything):
    graph, pick = everything
    change(graph, pick, "main", 1000)
    graph.run("branch", "create", "work", "--uri", graph.uri)
    graph.run("branch", "create", "team/deep", "--from", "work", "--uri", graph.uri)
    change(graph, pick, "work", 2000)
    graph.run("branch", "create", "late", "--from", "work", "--uri", graph.uri)
    change(graph, pick, "team/deep", 3000)
    change(graph, pick, "late", 4000)
    change(graph, pick, "main", 5000)
    graph.mutate('delete Near where weight >= 0.0')
    graph.mutate('delete Thing where same = 7')
    for branch in ("main", "work", "team/deep", "late"):
        graph.look(branch)
    done = check(graph)
    assert {table.branch for table in done} == {None, "work", "team/deep", "late"}


def test_lance_may_write_to_a_copy_of_any_table(everything, tmp_path):
    """What we wrote is whole enough for Lance to go on: it deletes, compacts and appends."""
    graph, pick = everything
    change(graph, pick, "main", 1000)
    rows = graph.seen[-1][1]
    for table in graph.tables("main"):
        copy = tmp_path / "copies" / table.path.name
        shutil.copytree(table.path, copy)
        here = dict(rows.get((table.kind, table.name), {}))
        dataset = lance.dataset(str(copy))
        gone = sorted(here)[::3]
        for i in gone:
            del here[i]
        if gone:
            dataset.delete("id in (" + ",".join(f"'{i}'" for i in gone) + ")")
        dataset.optimize.compact_files()
        dataset.insert(dataset.to_table(limit=2))
        dataset = lance.dataset(str(copy))
        dataset.validate()
        found = rows_of(dataset.to_table())
        assert len(found) == len(here) + min(2, len(here)), table.name
        assert {row["id"]: row for row in found} == here, table.name
