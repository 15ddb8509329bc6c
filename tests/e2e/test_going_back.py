# SPDX-License-Identifier: MIT
"""Reverts and resets: commits on top, that give back what was."""
import json

import pytest

SCHEMA = "node Person { name: String @key age: I64? }\n"


@pytest.fixture
def graph(og):
    (og.folder / "p.pg").write_text(SCHEMA)
    og.run("init", "--schema", "p.pg", "g.omni")
    return [write(og, text) for text in ('insert Person { name: "ann", age: 1 }', 'insert Person { name: "bob", age: 2 }',
                                         'update Person set { age: 3 } where name = "ann"')]


def write(og, text):
    return og.json("mutate", "--store", "g.omni", "-e", "query q() { " + text + " }")["commit"]["graph_commit_id"]


def people(og):
    lines = og.run("export", "g.omni").stdout.splitlines()
    return {row["name"]: row["age"] for row in (json.loads(line)["data"] for line in lines)}


def test_a_reset_gives_the_rows_of_a_commit_as_a_new_commit(og, graph):
    done = og.json("branch", "reset", "main", "--to", graph[0], "--uri", "g.omni")
    assert done["commit"]["parent_commit_id"] == graph[2] and people(og) == {"ann": 1}
    assert og.json("branch", "reset", "main", "--to", graph[0], "--uri", "g.omni")["commit"] is None
    og.run("branch", "reset", "main", "--to", graph[2], "--uri", "g.omni")
    assert people(og) == {"ann": 3, "bob": 2}


def test_a_revert_undoes_one_commit_and_keeps_what_came_since(og, graph):
    og.run("commit", "revert", graph[1], "--uri", "g.omni")
    assert people(og) == {"ann": 3}
    write(og, 'update Person set { age: 4 } where name = "ann"')
    refused = og.json("commit", "revert", graph[2], "--uri", "g.omni", exits=1)
    assert [c["kind"] for c in refused["merge_conflicts"]] == ["divergent_update"] and people(og) == {"ann": 4}


def test_a_change_of_the_schema_is_not_reverted(og, graph):
    (og.folder / "q.pg").write_text(SCHEMA.replace("age: I64?", "age: I64? city: String?"))
    og.run("schema", "apply", "--schema", "q.pg", "g.omni")
    change = og.json("commit", "list", "g.omni")["commits"][0]["graph_commit_id"]
    refused = og.run("commit", "revert", change, "--uri", "g.omni", exits=1)
    assert "changed the schema, which a revert does not undo" in refused.stderr


def test_a_dry_run_tells_the_outcome_of_a_merge_that_brings_a_schema_along(og, graph):
    og.run("branch", "create", "work", "--uri", "g.omni")
    (og.folder / "q.pg").write_text(SCHEMA.replace("age: I64?", "age: I64? city: String?"))
    og.run("schema", "apply", "--schema", "q.pg", "g.omni")
    tried = og.json("branch", "merge", "main", "--into", "work", "--dry-run", "--uri", "g.omni")
    done = og.json("branch", "merge", "main", "--into", "work", "--uri", "g.omni")
    assert tried["outcome"] == done["outcome"] == "merged"


def test_branches_are_compared_by_commits(og, graph):
    og.run("branch", "create", "work", "--uri", "g.omni")
    og.run("mutate", "--store", "g.omni", "--branch", "work", "-e", 'query q() { insert Person { name: "eve" } }')
    write(og, 'insert Person { name: "fay" }')
    write(og, 'insert Person { name: "gil" }')
    told = og.json("branch", "compare", "work", "--uri", "g.omni")
    assert (told["ahead"], told["behind"]) == (1, 2)
