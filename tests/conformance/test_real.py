# SPDX-License-Identifier: MIT
"""Graphs of real users: their schemas and seeds load, their queries and mutations check, and run.

They are not part of this repository: OG_REAL names the folder that holds them, else it is `shared/real` beside the
checkout; without it nothing here is collected. Each graph is a folder with `schema.pg`, `seed.jsonl`, `queries/*.gq`.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

from test_conformance import binary

REAL = pathlib.Path(os.environ.get("OG_REAL") or pathlib.Path(__file__).parents[3] / "shared" / "real")
GRAPHS = sorted(path.parent for path in REAL.glob("*/schema.pg"))
__test__ = bool(GRAPHS)  # or pytest would report the empty lists below as skipped
FILES = [pytest.param(folder, path, id=f"{folder.name}/{path.name}")
         for folder in GRAPHS for path in sorted((folder / "queries").glob("*.gq"))]

NOT_YET = re.compile(r"\bnearest\s*\([^,()]*,\s*\$q\s*\)")  # of a text: there is no embedding model


def run(*args):
    program = pathlib.Path(binary())
    program = program / "omnigraph" if program.is_dir() else program
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True, check=False)


def records(folder):
    return [json.loads(line) for line in (folder / "seed.jsonl").read_text().splitlines() if line.strip()]


class Query:
    """One query of a file: its name, its parameters {name: type}, and its text."""

    def __init__(self, text):
        head = re.match(r"query\s+(\w+)\s*\(([^)]*)\)", text)
        self.name, self.text = head[1], text
        self.params = dict(re.findall(r"\$(\w+)\s*:\s*([^,]+?)\s*(?:,|$)", head[2]))
        self.writes = bool(re.search(r"\{\s*(insert|update|delete)\b", text))


def queries(path):
    text = re.sub(r"//[^\n]*", "", path.read_text())
    return [Query(part) for part in re.split(r"^(?=query\b)", text, flags=re.MULTILINE) if part.startswith("query")]


def ends(folder, seed):
    """{(edge type, "from" or "to"): the id of a node that may stand there}."""
    first = {}
    for record in seed:
        if "type" in record:
            first.setdefault(record["type"], record["data"].get("id") or record["data"]["slug"])
    declared = re.findall(r"^edge\s+(\w+)\s*:\s*(\w+)\s*->\s*(\w+)", (folder / "schema.pg").read_text(), re.MULTILINE)
    return {(edge, end): first[node] for edge, *nodes in declared for end, node in zip(("from", "to"), nodes)
            if node in first}


def made_up(query, folder):
    """A value for each parameter: what the seed has where the query uses it, else one of its type."""
    seed = records(folder)
    place, values = ends(folder, seed), {}
    for name, kind in query.params.items():
        made = {"String": "x", "DateTime": "2026-01-01T00:00:00Z", "Date": "2026-01-01", "Bool": True, "F64": 0.5, "F32": 0.5}
        values[name] = made.get(kind.rstrip("?"), 1)
        use = re.search(r"\b(\w+)\s*\{[^{}]*?\b(\w+)\s*:\s*\$" + name + r"\b", query.text) or \
            re.search(r"delete\s+(\w+)\s+where\s+(\w+)\s*=\s*\$" + name + r"\b", query.text)
        if not use:
            continue
        found = (r["data"].get(use[2]) for r in seed if use[1] in (r.get("type"), r.get("edge")))
        known = next((value for value in found if value is not None), values[name])
        values[name] = place.get((use[1], use[2]), known)
    return values


@pytest.fixture(scope="module", name="graphs")
def load_graphs(tmp_path_factory):
    """Every graph, loaded; a folder's name leads to it."""
    place = tmp_path_factory.mktemp("real")
    for folder in GRAPHS:
        graph = place / folder.name
        for args in (["init", "--schema", folder / "schema.pg", graph],
                     ["load", "--data", folder / "seed.jsonl", "--mode", "overwrite", graph],
                     ["branch", "create", "try", "--uri", graph]):
            done = run(*args)
            assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("folder", GRAPHS, ids=[folder.name for folder in GRAPHS])
def test_a_schema_and_its_seed_load_whole(graphs, folder):
    lines = run("export", graphs / folder.name).stdout.splitlines()
    seed = records(folder)
    nodes = {(r["type"], r["data"].get("slug")) for r in seed if "type" in r}
    edges = [r for r in seed if "edge" in r]
    assert len(lines) == len(nodes) + len(edges)
    again = graphs / f"{folder.name}.again"
    exported = graphs / f"{folder.name}.ndjson"
    exported.write_text("\n".join(lines) + "\n")
    assert run("init", "--schema", folder / "schema.pg", again).returncode == 0
    assert run("load", "--data", exported, "--mode", "overwrite", again).returncode == 0
    assert run("export", again).stdout.splitlines() == lines


@pytest.mark.parametrize("folder, path", FILES)
def test_every_query_and_mutation_parses_and_checks(graphs, folder, path):
    for schema in (["--schema", folder / "schema.pg"], [graphs / folder.name]):
        done = run("lint", "--query", path, *schema, "--json")
        report = json.loads(done.stdout)
        assert done.returncode == 0 and report["status"] == "ok" and report["errors"] == 0, report["findings"]
        assert report["queries_processed"] == len(report["results"]) == len(queries(path)) > 0
        assert [r["name"] for r in report["results"]] == [q.name for q in queries(path)]


@pytest.mark.parametrize("folder, path", FILES)
def test_every_query_runs_unless_it_needs_a_search(graphs, folder, path):
    """Nothing but a full edge may refuse a mutation: its values are made up, and the schema counts them."""
    tally = dict.fromkeys(["with rows", "without rows", "changed", "unchanged", "refused", "not supported yet"], 0)
    for query in queries(path):
        verb = ["mutate", "--branch", "try"] if query.writes else ["query"]
        done = run(*verb, query.name, "--query", path, "--store", graphs / folder.name, "--json", "--params",
                   json.dumps(made_up(query, folder)))
        answer = json.loads(done.stdout)
        if NOT_YET.search(query.text):
            assert done.returncode == 1 and answer["error"].startswith("not supported yet: "), (query.name, done)
            tally["not supported yet"] += 1
        elif done.returncode:
            assert query.writes and "(max " in answer["error"], (query.name, made_up(query, folder), answer)
            tally["refused"] += 1
        elif query.writes:
            tally["changed" if answer["commit"] else "unchanged"] += 1
        else:
            tally["with rows" if answer["rows"] else "without rows"] += 1
    print(tally)
    assert sum(tally.values()) == len(queries(path))
    assert tally["with rows"] + tally["changed"] + tally["not supported yet"] > 0, "nothing was found or changed"
