# SPDX-License-Identifier: MIT
"""`omnigraph schema apply`, by its traces on disk: the contract's files, the tables' folders, and nothing that moved."""
import hashlib
import json
import re
import shutil
import threading

NEXT = """\
node Human @rename_from("Person") {
  alias: String?
  name: String @key
  years: I32? @rename_from("age")
}
node City { name: String @key }
edge Knows: Human -> Human {
  since: Date?
}
edge Lives: Human -> City
"""


def apply(og, text, *flags, exits=0, uri="g.omni"):
    (og.folder / "next.pg").write_text(text)
    return og.run("schema", "apply", "--schema", "next.pg", "--quiet", "--json", *flags, uri, exits=exits)


def datasets(og):
    tables = json.loads(og.run("snapshot", "--json", "g.omni", exits=0).stdout)["datasets"]
    return {t["type_name"]: t for t in tables}


def contract(og):
    """The IR, once its hash was found to be the one that the state has."""
    root = og.folder / "g.omni"
    ir, state = json.loads((root / "_schema.ir.json").read_text()), json.loads((root / "__schema_state.json").read_text())
    compact = json.dumps(ir, separators=(",", ":"), ensure_ascii=False)
    assert state["schema_ir_hash"] == "sha256:" + hashlib.sha256(compact.encode()).hexdigest()
    assert state["schema_identity_domain"] == ir["schema_identity_domain"]
    assert (root / "_schema.pg").read_text() == og.run("schema", "show", "g.omni", exits=0).stdout
    return ir


def numbers(ir):
    """Every type and property with its number, and the incarnations."""
    types = {t["name"]: t for kind in ("interfaces", "nodes", "edges") for t in ir[kind]}
    return ({name: (t["type_id"], t["table_incarnation_id"]) for name, t in types.items()},
            {f"{name}.{p['name']}": p["property_id"] for name, t in types.items() for p in t["properties"]})


def test_numbers_survive_renames_and_are_never_given_out_again(og, graph):
    types, properties = numbers(contract(og))
    assert types == {"Person": (1, 6), "Knows": (2, 7)}
    assert properties == {"Person.age": 3, "Person.name": 4, "Knows.since": 5}
    apply(og, NEXT)
    ir = contract(og)
    types, properties = numbers(ir)
    # New types by kind and name, then new properties by the number of their type, then incarnations.
    assert types == {"Human": (1, 6), "Knows": (2, 7), "City": (8, 12), "Lives": (9, 13)}
    assert properties == {"Human.alias": 10, "Human.name": 4, "Human.years": 3, "Knows.since": 5, "City.name": 11}
    assert ir["next_identity_id"] == 14
    apply(og, "node Human { name: String @key }")
    apply(og, re.sub(r" @rename_from\(.*?\)", "", NEXT))
    types, properties = numbers(contract(og))
    assert types["Human"] == (1, 6) and types["City"] == (14, 21) and types["Knows"] == (15, 22)
    assert properties["Human.alias"] == 17 and properties["Human.years"] == 18
    assert len(set(properties.values())) == len(properties)


def test_no_data_file_is_written(og, graph):
    root = og.folder / "g.omni"

    def data_files():
        return sorted(str(p.relative_to(root)) for kind in ("nodes", "edges") for p in (root / kind).glob("*/data/*"))
    files, before = data_files(), datasets(og)
    apply(og, NEXT)
    assert data_files() == files
    after = datasets(og)
    assert after["Human"]["dataset_path"] == before["Person"]["dataset_path"]
    assert after["Human"]["published_dataset_version"] == before["Person"]["published_dataset_version"] + 1
    assert after["Knows"] == before["Knows"]  # follows its endpoint, untouched
    for table in after.values():
        og.run("lance", "inspect", root / table["dataset_path"], exits=0)


def test_a_folder_that_somebody_left_behind_is_passed_over(og, graph):
    twin = og.folder / "twin.omni"
    shutil.copytree(og.folder / "g.omni", twin)
    apply(og, NEXT, uri="twin.omni")
    left = next((twin / "nodes").glob("0000000000000008-*"))
    shutil.copytree(left, og.folder / "g.omni" / "nodes" / left.name)  # by an apply that crashed before its commit
    apply(og, NEXT)
    path = datasets(og)["City"]["dataset_path"]
    assert path != f"nodes/{left.name}" and path == "nodes/0000000000000008-000000000000000e"
    assert contract(og)["next_identity_id"] == 16


def test_files_at_the_root_are_healed_and_those_of_the_original_engine_taken_over(og, graph):
    root, names = og.folder / "g.omni", ("_schema.pg", "_schema.ir.json", "__schema_state.json")
    old = {name: (root / name).read_bytes() for name in names}
    apply(og, NEXT)
    new = {name: (root / name).read_bytes() for name in names}

    def opened_with(files):
        for name in names:
            (root / name).unlink(missing_ok=True)
        for name, text in files.items():
            (root / name).write_bytes(text)
        og.run("branch", "create", "b", "g.omni", "--quiet", exits=0)
        og.run("branch", "delete", "b", "g.omni", "--quiet", exits=0)
        return {name: (root / name).read_bytes() for name in names}
    assert opened_with({}) == new
    assert opened_with(old) == new
    assert opened_with(old | {"_schema.pg": new["_schema.pg"]}) == new
    assert opened_with({name: b"{" for name in names}) == new

    # A schema that was never a row of the log, but fits its tables: the original engine applied it.
    twin = og.folder / "twin.omni"
    shutil.copytree(root, twin)
    apply(og, NEXT.replace("node City {", 'node City @description("a town") {'), uri="twin.omni")
    foreign = {name: (twin / name).read_bytes() for name in names}
    assert foreign != new and opened_with(foreign) == foreign
    assert '@description("a town")' in og.run("schema", "show", "g.omni", exits=0).stdout
    assert opened_with(new) == foreign  # and what was before is old

    # One of another graph is not.
    og.run("init", "--schema", "next.pg", "other.omni", exits=0)
    assert opened_with({name: (og.folder / "other.omni" / name).read_bytes() for name in names}) == foreign


def test_writers_beside_a_schema_change_lose_nothing(og, graph):
    failed = []

    def write(k):
        for i in range(12):
            done = og.run("mutate", "--store", "g.omni", "--quiet", "-e",
                          f'query q() {{ insert Person {{ name: "w{k}-{i}", age: {i} }} }}', exits=0)
            failed.extend([done.stderr] if done.stderr else [])
    writers = [threading.Thread(target=write, args=(k,)) for k in range(2)]
    for writer in writers:
        writer.start()
    properties = ["age: I32?"]
    for i in range(6):
        properties.append(f"a{i}: I32?")
        apply(og, "node Person { name: String @key\n" + "\n".join(properties) + " }\nedge Knows: Person -> Person { since: Date? }")
    for writer in writers:
        writer.join()
    assert not failed
    query = 'query q() { match { $p: Person } return { $p.name, $p.age, $p.a5 } }'
    rows = json.loads(og.run("query", "--store", "g.omni", "-e", query, "--json", exits=0).stdout)["rows"]
    mine = {row["p.name"]: row["p.age"] for row in rows if row["p.name"].startswith("w")}
    assert mine == {f"w{k}-{i}": i for k in range(2) for i in range(12)}
    assert len(json.loads(og.run("commit", "list", "g.omni", "--json", exits=0).stdout)["commits"]) == 2 + 24 + 6


def test_a_hard_drop_leaves_the_values_behind(og):
    root = og.init(schema="node Book { isbn: String @key  secret: String?  title: String? }\n")
    word = "x7Qp-2vLz-9KdM"
    og.load("".join(json.dumps({"type": "Book", "data": {"isbn": f"b{i}", "secret": word, "title": "t"}}) + "\n"
                    for i in range(3)))
    head = og.json("commit", "list", "g.omni")["commits"][0]["graph_commit_id"]

    def live_files():
        """The data files that the newest version of the table names, with what is in them."""
        table = datasets(og)["Book"]
        seen = json.loads(og.run("lance", "inspect", root / table["dataset_path"], "--json",
                                 table["published_dataset_version"], exits=0).stdout)
        names = [f["path"] for fragment in seen["fragments"] for f in fragment["files"]]
        return b"".join((root / table["dataset_path"] / "data" / name).read_bytes() for name in names)
    assert word.encode() in live_files()
    export = og.run("export", "g.omni", exits=0).stdout
    apply(og, "node Book { isbn: String @key  title: String? }\n", "--allow-data-loss")
    assert word.encode() not in live_files()
    assert sorted(og.run("export", "g.omni", exits=0).stdout.splitlines()) == \
        sorted(line.replace(f'"secret":"{word}",', "") for line in export.splitlines())
    done = og.run("query", "--store", "g.omni", "--snapshot", head, "-e", "query q() { match { $b: Book } return { $b.isbn } }",
                  exits=1)
    assert "was erased by a schema change" in done.stderr
    assert og.run("optimize", "g.omni", exits=0).stdout == "nothing to do\n"
