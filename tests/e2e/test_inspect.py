# SPDX-License-Identifier: MIT
"""`omnigraph lance inspect`: a table laid open, and whether it is sound."""
import json

import pytest


@pytest.fixture(name="tables")
def make_tables(og, graph):
    return {d["type_name"]: d for d in og.json("snapshot", "g.omni")["datasets"]}


def path(table):
    return f"g.omni/{table['dataset_path']}"


def test_every_table_of_a_graph_is_sound(og, tables):
    for table in tables.values():
        seen = og.json("lance", "inspect", path(table))
        assert seen["problems"] == []
        assert (seen["version"], seen["rows"]) == (table["published_dataset_version"], table["entity_count"])
    log = og.json("lance", "inspect", "g.omni/__manifest")
    assert log["problems"] == [] and log["version"] == log["newest_version"] == 2


def test_a_version_shows_its_fragments_columns_and_encodings(og, tables):
    seen = og.json("lance", "inspect", path(tables["Person"]))
    assert [f["name"] for f in seen["schema"]] == ["id", "age", "name"]
    fragment, = seen["fragments"]
    assert fragment["rows"] == 2 and fragment["row_ids"] == ["0..1"]
    columns = fragment["files"][0]["columns"]
    assert [c["name"] for c in columns] == ["id", "age", "name"]
    assert all(page["rows"] == 2 and page["encoding"] for c in columns for page in c["pages"])
    assert og.json("lance", "inspect", path(tables["Person"]), "1")["rows"] == 0


def test_a_flipped_byte_is_a_problem_that_names_its_column(og, tables):
    file, = (og.folder / path(tables["Person"]) / "data").glob("*.lance")
    data = bytearray(file.read_bytes())
    at = data.index(b"Ann")
    data[at] = 0xFF
    file.write_bytes(data)
    done = og.run("lance", "inspect", path(tables["Person"]), exits=1)
    assert any("UTF-8" in p and file.name in p for p in json.loads(done.stdout)["problems"]), done
    assert "not sound" in done.stderr


@pytest.mark.parametrize("args, code, says", [
    (["nowhere"], 1, "no Lance table at 'nowhere'"),
    (["g.omni"], 1, "no Lance table at 'g.omni'"),
    (["g.omni/__manifest", "99"], 1, "no version 99: the newest is 2"),
    (["g.omni/__manifest", "zero"], 2, "not 'zero'"),
    ([], 2, "TABLE"),
])
def test_what_is_no_table_is_named(og, tables, args, code, says):
    assert says in og.run("lance", "inspect", *args, exits=code).stderr
