# SPDX-License-Identifier: MIT
"""The command line: exit codes, streams, formats, help and completion."""
import json
import shutil
import subprocess

import pytest

from conftest import ADD, DATA, NAMES

COMMANDS = ["init", "load", "query", "explain", "profile", "mutate", "snapshot", "export", "branch create",
            "branch list", "branch delete",
            "commit list", "commit show", "schema show", "optimize", "lint", "lance inspect", "version", "help", "completion"]


def query(og, *args, exits=0):
    return og.run("query", "--store", "g.omni", "-e", NAMES, *args, exits=exits)


def add(og, name, *args, exits=0):
    return og.run("mutate", "--store", "g.omni", "-e", ADD, "--params", json.dumps({"n": name}), *args, exits=exits)


# Exit codes and streams

@pytest.mark.parametrize("args, says", [
    (["qury"], "did you mean 'query'?"),
    (["branch", "lst"], "did you mean 'branch list'?"),
    (["query", "--stor", "g.omni"], "did you mean '--store'?"),
    (["load", "--data", "d.ndjson", "g.omni"], "--mode"),
    (["load", "--data", "d.ndjson", "--mode", "apend", "g.omni"], "append"),
    (["query", "--store", "g.omni", "--query", "q.gq", "-e", NAMES], "--query"),
    (["query", "--store"], "--store"),
    (["init", "g.omni"], "--schema"),
    (["init", "--schema", "s.pg"], "URI"),
    ([], "omnigraph help"),
    (["branch"], "`branch` needs one of: create, list, delete"),
    (["commit", "--json"], "`commit` needs one of: list, show, changes, revert"),
    (["--store", "g.omni"], "omnigraph help"),
])
def test_wrong_usage_exits_2_and_names_the_remedy(og, args, says):
    done = og.run(*args, exits=2)
    assert says in done.stderr, done
    assert done.stdout == ""
    assert list(og.folder.iterdir()) == []


@pytest.mark.parametrize("args, says", [
    (["snapshot"], "--store"),
    (["query", "-e", NAMES], "--store"),
    (["query", "--store", "g.omni"], "--query"),
    (["query", "--store", "g.omni", "-e", "  "], "must not be empty"),
    (["query", "--store", "g.omni", "-e", NAMES, "--as", "me"], "--as does not apply"),
    (["snapshot", "g.omni", "--store", "g.omni"], "mutually exclusive"),
    (["snapshot", "http://127.0.0.1:9"], "--server"),
    (["init", "--store", "h.omni", "--schema", "s.pg", "i.omni"], "--store does not apply"),
    (["lint", "--query", "s.pg"], "--store"),
])
def test_a_graph_that_is_not_named_once_is_a_failure_and_no_wrong_usage(og, graph, args, says):
    done = og.run(*args, exits=1)
    assert says in done.stderr, done
    assert done.stdout == ""


@pytest.mark.parametrize("source, says", [
    ("query q() { match { $p: Persn } return { $p.name } }", "did you mean 'Person'?"),
    ("query q() { match { $p: Person } return { $p.nme } }", "did you mean 'name'?"),
    ("query q() { match { $p: Person } return { $p.name }", "<input>:1:"),
])
def test_a_query_that_does_not_hold_exits_1_with_place_and_hint(og, graph, source, says):
    done = og.run("query", "--store", "g.omni", "-e", source, exits=1)
    assert says in done.stderr, done
    assert done.stdout == ""


def test_results_go_to_stdout_and_the_echo_of_a_write_to_stderr(og, graph):
    assert query(og).stderr == ""
    done = og.load('{"type":"Person","data":{"name":"Cy"}}\n')
    assert done.stderr == f"omnigraph load → {graph} (direct, local)\n"
    assert done.stdout.startswith(f"loaded {graph} on branch main with append: 1 entities")
    assert add(og, "Dy").stderr == f"omnigraph mutate → {graph} (direct, local)\n"
    assert add(og, "Ed", "--quiet").stderr == ""


def test_if_commit_lets_one_of_two_writers_win_and_the_other_exits_4(og, graph):
    head = og.json("commit", "list", "g.omni")["commits"][0]["graph_commit_id"]
    won = json.loads(add(og, "Cy", "--if-commit", head, "--json").stdout)["commit"]["graph_commit_id"]
    lost = json.loads(add(og, "Dy", "--if-commit", head, "--json", exits=4).stdout)
    assert lost["precondition_failure"] == {"expected": head, "actual": won}
    assert head in lost["error"]
    assert "Dy" not in [row["p.name"] for row in og.rows()]


def test_a_failure_with_json_prints_the_envelope_and_the_human_line(og, graph):
    done = og.run("query", "--store", "g.omni", "-e", "query q() { match { $p: Persn } return { $p.name } }", "--json",
                  exits=1)
    envelope = json.loads(done.stdout)
    assert envelope["code"] == "bad_request" and envelope["position"] == {"line": 1, "column": 25}
    assert done.stderr.startswith("error: ") and envelope["error"].splitlines()[0] in done.stderr


def test_a_key_that_is_there_is_a_key_conflict(og, graph):
    (og.folder / "again.ndjson").write_text('{"type":"Person","data":{"name":"Ann"}}\n')
    envelope = og.json("load", "--data", "again.ndjson", "--mode", "append", "g.omni", exits=1)
    assert envelope["key_conflict"] == {"entity_kind": "node", "type_name": "Person", "entity_id": "Ann"}


def test_a_graph_that_is_not_there_is_named(og):
    done = og.run("query", "--store", "none.omni", "-e", NAMES, exits=1)
    assert "none.omni" in done.stderr


def test_a_branch_that_is_not_there_is_named(og, graph):
    assert "'nowhere'" in query(og, "--branch", "nowhere", exits=1).stderr


@pytest.mark.parametrize("args", [["blob"], ["graphs", "list"], ["snapshot", "--server", "http://127.0.0.1:9"],
                                  ["query", "--profile", "p"]])
def test_what_is_not_there_yet_says_so(og, args):
    assert og.run(*args, exits=1).stderr.startswith("error: not supported yet: ")


def test_flags_may_stand_before_the_command(og, graph):
    assert og.run("--store", "g.omni", "--json", "snapshot", exits=0).stdout == \
        og.run("snapshot", "g.omni", "--json", exits=0).stdout
    assert og.run("--quiet", "branch", "create", "b", "g.omni", exits=0).stderr == ""


def test_an_old_spelling_works_and_names_the_new_one(og, graph):
    done = og.run("read", "--store", "g.omni", "-e", NAMES, exits=0)
    assert done.stderr == "warning: `read` is the old name of `query`\n" and done.stdout == query(og).stdout
    done = og.run("export", "g.omni", "--jsonl", exits=0)
    assert done.stderr.startswith("warning: --jsonl") and done.stdout == og.run("export", "g.omni", exits=0).stdout


def test_who_made_a_branch_is_in_its_document(og, graph):
    assert og.json("branch", "create", "b", "g.omni", "--as", "carol")["actor_id"] == "carol"
    assert og.json("branch", "delete", "b", "g.omni")["actor_id"] is None


# The five formats

def test_json_is_the_default_of_json_and_of_format_json(og, graph):
    one, two = json.loads(query(og, "--json").stdout), json.loads(query(og, "--format", "json").stdout)
    assert one == two
    assert one["columns"] == ["p.name", "age"] and one["row_count"] == 2 and one["query_name"] == "names"
    assert one["rows"] == [{"p.name": "Ann", "age": 30}, {"p.name": 'Bob, "B"', "age": None}]
    assert one["target"] == {"branch": "main", "snapshot": None}


@pytest.mark.parametrize("form, text", [
    ("jsonl", '{"kind":"metadata","query_name":"names","target":{"branch":"main","snapshot":null},"row_count":2}\n'
              '{"p.name":"Ann","age":30}\n{"p.name":"Bob, \\"B\\"","age":null}\n'),
    ("csv", 'p.name,age\nAnn,30\n"Bob, ""B""",null\n'),
    ("kv", '2 rows from branch main via names\nrow 1\np.name: Ann\nage: 30\n\nrow 2\np.name: Bob, "B"\nage: null\n'),
    ("table", '2 rows from branch main via names\np.name   | age\n---------+-----\nAnn      | 30\nBob, "B" | null\n'),
])
def test_each_format_prints_exactly_this(og, graph, form, text):
    out = query(og, "--format", form).stdout
    assert [line.rstrip() for line in out.splitlines()] == text.splitlines()


def test_the_table_is_what_a_query_prints_unasked(og, graph):
    assert query(og).stdout == query(og, "--format", "table").stdout


def test_no_rows_are_said_to_be_none(og, graph):
    none = 'query none() { match { $p: Person $p.name = "nobody" } return { $p.name } }'
    assert "(no rows)" in og.run("query", "--store", "g.omni", "-e", none, "--format", "kv", exits=0).stdout
    assert og.run("query", "--store", "g.omni", "-e", none, "--format", "csv", exits=0).stdout == "p.name\n"
    assert og.rows(none) == []


def test_an_export_loads_into_another_graph_and_is_the_same_there(og, graph):
    first = og.run("export", "g.omni", exits=0).stdout
    assert len(first.splitlines()) == len(DATA.splitlines())
    og.init("h.omni")
    og.load(first, "h.omni")
    assert sorted(og.run("export", "h.omni", exits=0).stdout.splitlines()) == sorted(first.splitlines())


# Help, version and completion

def test_help_lists_every_command_and_each_has_its_own_page(og):
    page = og.run("help", exits=0).stdout
    assert "COMMANDS BY CAPABILITY" in page
    for command in COMMANDS:
        assert f"\n  {command} " in page
        own = og.run("help", *command.split(), exits=0).stdout
        assert own.startswith(f"omnigraph {command}") and "--help" in own
        assert og.run(*command.split(), "--help", exits=0).stdout == (page if command == "help" else own)


@pytest.mark.parametrize("group, words", [("branch", 6), ("commit", 4), ("schema", 3), ("lance", 1)])
def test_a_first_word_has_a_page_of_its_commands(og, group, words):
    page = og.run("help", group, exits=0).stdout
    assert page == og.run(group, "--help", exits=0).stdout
    assert sum(line.startswith(f"  {group} ") for line in page.splitlines()) == words


def test_version_tells_the_layout_too(og):
    lines = og.run("version", exits=0).stdout.splitlines()
    assert lines[0].startswith("omnigraph ") and lines[1].startswith("internal-schema ")
    assert og.run("--version", exits=0).stdout.splitlines()[0] == lines[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_the_shell_can_read_it(og, shell):
    script = og.run("completion", shell, exits=0).stdout
    for command in COMMANDS:
        assert all(word in script for word in command.split())
    assert "if-commit" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_completion_of_another_shell_is_wrong_usage(og):
    assert "fish" in og.run("completion", "tcsh", exits=2).stderr
