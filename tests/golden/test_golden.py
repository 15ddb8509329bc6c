#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden scripts: what one does to a graph, and what it answers, written down and read as documentation.

Every tests/golden/*/*.gqt is one test, and every page of docs/user that has gqt blocks. The runner replays a script with the `omnigraph` program and writes it down again
with what came out; the test fails when the two texts differ, and shows where. docs/dev/testing.md has the format.

    test_golden.py [--update] [SCRIPT]...     shows, or writes into the scripts, what differs

The `omnigraph` under test is OG_BIN (a folder or a file), else the one on PATH.
"""
import argparse
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = sorted(HERE.glob("*/*.gqt"))
PAGES = sorted(page for page in (HERE.parents[1] / "docs" / "user").glob("*.md") if "\n```gqt\n" in page.read_text())

STEPS = {"schema", "load", "query", "mutate", "explain", "lint", "fmt", "export", "branch", "diff", "on",
         "mark"}
SETTINGS = {"name", "params", "at"}
ANSWERS = {"rows", "columns", "affected", "loaded", "prints", "error"}
GENERATED = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")


class Broken(Exception):
    """The script is not one, or the program did what no program may."""


# Scripts

class Step:
    """A step: its word, what stands behind it and indented below, and the answers that the script expects."""

    def __init__(self, word, head):
        self.word, self.head, self.body, self.settings, self.answers = word, head, [], {}, []

    def text(self):
        return "\n".join([self.head, *self.body] if self.head else self.body)

    def answer(self, word):
        """The answer that begins with `word`, or None."""
        return next((answer for answer in self.answers if answer[0].split()[0] == word), None)


def parse(text):
    """The script as a list of lines to keep and Steps; a Step stands where its answers belong."""
    parts, step, answer = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.partition(" ")
        if answer is not None and line and answer[0].split()[0] in ("rows", "prints", "error"):
            answer.append(line)
        elif word in STEPS:
            step, answer = Step(word, rest.strip()), None
            parts += [line, step]
        elif step and word in SETTINGS:
            step.settings[word] = rest.strip()
            parts.insert(-1, line)
        elif step and word in ANSWERS:
            answer = [line]
            step.answers.append(answer)
        elif step and answer is None and line[:1] == " ":
            step.body.append(line.removeprefix("  "))
            parts.insert(-1, line)
        elif not line or line[0] == "#":
            step = answer = None
            parts.append(line)
        else:
            raise Broken(f"line {number} is neither a step, nor an answer, nor a comment: {line}")
    return parts


# The program

def binary():
    found = os.environ.get("OG_BIN") or shutil.which("omnigraph")
    if not found:
        raise Broken("no omnigraph: set OG_BIN, or put its folder on PATH")
    path = pathlib.Path(found).resolve()
    return path / "omnigraph" if path.is_dir() else path


class Graph:
    """The graph of one script, in a folder of its own."""

    def __init__(self, folder, script):
        self.folder, self.script, self.branch, self.marks = folder, script, "main", {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OMNIGRAPH")}
        self.env = kept | {"HOME": str(folder)}

    def run(self, *args, refused=(1,)):
        done = subprocess.run([binary(), *args], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, *refused) or "Sanitizer" in done.stderr or "runtime error" in done.stderr:
            raise Broken(f"{' '.join(args)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def must(self, *args):
        return self.run(*args, refused=()).stdout

    def document(self, *args):
        """The JSON document a command prints; None, with what it says, when it refuses."""
        done = self.run(*args, "--json")
        return (None, self.complaint(done)) if done.returncode else (json.loads(done.stdout, parse_float=Raw), None)

    def complaint(self, done):
        lines = [line for line in done.stderr.splitlines() if " → " not in line]
        if not lines or not lines[0].startswith("error: "):
            raise Broken(f"a refusal without an error: {done.stderr}")
        text = "\n".join(lines).removeprefix("error: ").replace(str(self.folder.resolve()) + "/", "")
        return ["error", *(line.rstrip() for line in GENERATED.sub("<ulid>", text).splitlines() if line.strip())]

    def state(self):
        """What a refused write must leave as it is."""
        branches = json.loads(self.must("branch", "list", "--uri", "g.omni", "--json"))["branches"]
        return {b: (self.must("export", "g.omni", "--branch", b), self.must("commit", "list", "g.omni", "--branch", b))
                for b in branches}

    def put(self, name, given, body):
        """Makes the file `name` of the lines of a step, or of the file that was given: beside the script, or in data/."""
        text = "".join(line + "\n" for line in body)
        if given:
            found = [folder / given for folder in (self.script.parent, HERE / "data") if (folder / given).is_file()]
            if body or not found:
                raise Broken(f"a file and lines of its own: {given}" if body else f"there is no file {given}")
            text = found[0].read_text()
        (self.folder / name).write_text(text)


# Values

class Raw(str):
    """A number as it was printed."""


def shown(value, inside=False):
    """A cell: JSON, but a text is bare where it cannot be mistaken for anything else."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(shown(item, True) for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    value = GENERATED.sub("<ulid>", value)
    try:
        json.loads(value)
        plain = False
    except ValueError:
        plain = value.isprintable() and value == value.strip() and value != "" and value[0] not in "\"[{#"
    return value if plain and not inside and " | " not in value else json.dumps(value, ensure_ascii=False)


# Steps: each gives the answers to write down

def source(text):
    """`match …` and `insert …` are short for a query without a name, `($x: T) { … }` for one with parameters only."""
    if re.match(r"(match|insert|update|delete)\b", text):
        return "query q() { " + text + " }"
    return ("query q" if text[:1] == "(" else "query ") + text


def ask(graph, verb, step):
    name = [step.settings["name"]] if "name" in step.settings else []
    params = ["--params", step.settings["params"]] if "params" in step.settings else []
    state = ["--snapshot", graph.marks[step.settings["at"]]] if "at" in step.settings else ["--branch", graph.branch]
    return graph.document(verb, *name, "--store", "g.omni", *state, "-e", source(step.text()), *params)


def do_schema(graph, step):
    words = step.head.split()
    if words and words[0] in ("plan", "apply", "show"):
        return do_schema_of_graph(graph, step, words)
    graph.put("schema.pg", step.head, step.body)
    existed = (graph.folder / "g.omni").exists()
    done = graph.run("init", "--schema", "schema.pg", "g.omni")
    if done.returncode and not existed and (graph.folder / "g.omni").exists():
        raise Broken("a refused schema left a graph")
    return graph.complaint(done) if done.returncode else []


def do_schema_of_graph(graph, step, words):
    """`schema plan|apply [--allow-data-loss] [FILE]` and `schema show`."""
    flags = [word for word in words[1:] if word.startswith("--")]
    if words[0] == "show":
        return printed(graph.must("schema", "show", "g.omni", "--branch", graph.branch, *flags))
    graph.put("next.pg", " ".join(word for word in words[1:] if word not in flags), step.body)
    done = graph.run("schema", words[0], "--schema", "next.pg", "g.omni", *flags)
    if done.returncode:
        return graph.complaint(done)
    said = done.stdout.splitlines()
    if said[:1] != [f"schema {words[0]} for {(graph.folder / 'g.omni').resolve()}"]:
        raise Broken(f"schema {words[0]} did not say of which graph:\n{done.stdout}")
    return printed("\n".join(said[1:])) if words[0] == "plan" or step.answer("prints") else []


def do_load(graph, step):
    words = step.head.split()
    mode = words.pop(0) if words and words[0] in ("append", "merge", "overwrite") else "append"
    graph.put("data.jsonl", " ".join(words), step.body)
    answer, error = graph.document("load", "--data", "data.jsonl", "--mode", mode, "--branch", graph.branch, "g.omni")
    if error:
        return error
    counts = [f"{t['entities_loaded']} {t['name']}" for t in answer["nodes"] + answer["edges"]]
    return ["loaded " + (", ".join(counts) or "nothing")] if step.answer("loaded") else []


def do_query(graph, step):
    answer, error = ask(graph, "query", step)
    if error:
        return error
    rows = [" | ".join(shown(row[c]) for c in answer["columns"]) for row in answer["rows"]]
    was = step.answer("rows") or ["rows ordered" if re.search(r"\border\s*\{", step.text()) else "rows unordered"]
    if was[0] not in ("rows ordered", "rows unordered"):
        raise Broken(f"rows are ordered or unordered, not: {was[0]}")
    if was[0] == "rows unordered":
        rows = was[1:] if sorted(was[1:]) == sorted(rows) else sorted(rows)
    return (["columns " + " | ".join(answer["columns"])] if step.answer("columns") else []) + [was[0], *rows]


def do_mutate(graph, step):
    answer, error = ask(graph, "mutate", step)
    if error:
        return error
    said = f"affected {answer['affected_nodes']} nodes, {answer['affected_edges']} edges"
    return [said + ("" if answer["commit"] else ", no commit")] if step.answer("affected") else []


def printed(text):
    return ["prints", *filter(None, GENERATED.sub("<ulid>", text).splitlines())]


def do_explain(graph, step):
    """`explain …` prints the tree, `explain json …` the JSON object."""
    as_json = step.text().startswith("json ")
    text = step.text()[5:] if as_json else step.text()
    done = graph.run("explain", "--store", "g.omni", "--branch", graph.branch, "-e", source(text), *["--json"][:as_json])
    return graph.complaint(done) if done.returncode else printed(done.stdout)


def do_lint(graph, step):
    graph.put("queries.gq", step.head, step.body)
    done = graph.run("lint", "--query", "queries.gq", "--schema", "schema.pg")
    return printed(done.stdout)


def do_fmt(graph, step):
    """Twice, so that formatting what is formatted must change nothing."""
    name = "given." + (step.head or "gq")
    graph.put(name, "", step.body)
    done = graph.run("fmt", name)
    if done.returncode:
        return graph.complaint(done)
    graph.must("fmt", "--write", name)
    if graph.must("fmt", name) != done.stdout or graph.run("fmt", "--check", name).returncode:
        raise Broken(f"formatted again, it differs:\n{done.stdout}")
    return printed(done.stdout)


def do_export(graph, step):
    types = [word for name in step.head.split() for word in ("--type", name)]
    done = graph.run("export", "g.omni", "--branch", graph.branch, *types)
    return graph.complaint(done) if done.returncode else printed(done.stdout)


def do_branch(graph, step):
    done = graph.run("branch", *step.head.split(), "--uri", "g.omni")
    if done.returncode:
        return graph.complaint(done)
    return printed(done.stdout) if step.head == "list" or step.answer("prints") else []


def do_diff(graph, step):
    before, after, *flags = step.head.split()
    done = graph.run("diff", "--from", before, "--to", after, *flags, "--uri", "g.omni")
    return graph.complaint(done) if done.returncode else printed(done.stdout)


def do_on(graph, step):
    graph.branch = step.head
    return []


def do_mark(graph, step):
    """Gives the branch's head commit a name, for `at`."""
    commits = json.loads(graph.must("commit", "list", "g.omni", "--branch", graph.branch, "--json"))["commits"]
    graph.marks[step.head] = commits[0]["graph_commit_id"]
    return []


DO = {"schema": do_schema, "load": do_load, "query": do_query, "mutate": do_mutate, "explain": do_explain,
      "lint": do_lint, "fmt": do_fmt, "export": do_export, "branch": do_branch, "diff": do_diff,
      "on": do_on, "mark": do_mark}


def do(graph, step):
    writes = step.word in ("load", "mutate", "branch") or step.head.startswith("apply")
    guarded = writes and step.answer("error")
    before = graph.state() if guarded else None
    answers = DO[step.word](graph, step)
    if guarded and answers[:1] == ["error"] and graph.state() != before:
        raise Broken(f"a refused {step.word} changed something")
    return answers


def replay_text(script, text):
    with tempfile.TemporaryDirectory() as folder:
        graph, lines = Graph(pathlib.Path(folder), script), []
        for part in parse(text):
            lines += [part] if isinstance(part, str) else do(graph, part)
    return "\n".join(lines) + "\n"


def replay_page(page):
    """A page of the manual: its gqt blocks are one script."""
    pieces = re.split(r"(?<=^```gqt\n)(.*?)(?=^```)", page.read_text(), flags=re.M | re.S)
    mark = "\n\n# ---- the next block\n"
    blocks = replay_text(page, mark.join(piece.rstrip("\n") for piece in pieces[1::2])).split(mark)
    pieces[1::2] = [block.rstrip("\n") + "\n" for block in blocks]
    return "".join(pieces)


def replay(script):
    """The script's text, with the answers it gets now."""
    return replay_page(script) if script.suffix == ".md" else replay_text(script, script.read_text())


def difference(script):
    is_there, comes_out = script.read_text(), replay(script)
    name = str(script.relative_to(HERE.parents[1]))
    return comes_out, "".join(difflib.unified_diff(is_there.splitlines(True), comes_out.splitlines(True), name, "now"))


def pytest_generate_tests(metafunc):
    if "script" in metafunc.fixturenames:
        metafunc.parametrize("script", SCRIPTS + PAGES,
                             ids=["/".join(s.with_suffix("").parts[-2:]) for s in SCRIPTS + PAGES])


def test_a_script_gives_its_answers(script):
    _, diff = difference(script)
    assert not diff, "\n" + diff


def test_the_runner_notices_what_is_wrong_in_a_script(tmp_path):
    """Each answer of a script that is right, made wrong; rows out of order are not wrong unless they are ordered."""
    right = """schema people.pg
load people.jsonl
loaded 2 Company, 4 Person, 4 Knows, 3 WorksAt
query match { $c: Company } return { $c.slug, $c.name }
columns c.slug | c.name
rows unordered
bits | Bits & Co
acme | Acme

query match { $c: Company } return { $c.slug } order { $c.slug }
rows ordered
acme
bits

mutate delete Company where slug = "none"
affected 0 nodes, 0 edges, no commit
mutate delete Company where slug = "none" slug
error
parse error: expected another statement or '}', found 'slug'
 --> <input>:1:48
  |
1 | query q() { delete Company where slug = "none" slug }
  |                                                ^^^^
"""
    script = tmp_path / "script.gqt"
    script.write_text(right)
    assert replay(script) == right
    for old, new in [("loaded 2", "loaded 3"), ("c.slug | c.name", "c.slug | name"), ("Bits & Co", "Bits"),
                     ("acme\nbits", "bits\nacme"), ("| Acme\n", "| Acme\nother | Other\n"), (", no commit", ""),
                     ("1:48", "1:49"), ("= \"none\"\n", "!= \"none\"\n")]:
        assert right.count(old) == 1, old
        script.write_text(right.replace(old, new))
        assert replay(script) != script.read_text(), old


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--update", action="store_true", help="write what came out into the scripts")
    words.add_argument("scripts", nargs="*", type=lambda name: pathlib.Path(name).resolve(), metavar="SCRIPT")
    given, differ = words.parse_args(), 0
    for script in given.scripts or SCRIPTS + PAGES:
        try:
            text, diff = difference(script)
        except Broken as broken:
            text, diff = script.read_text(), f"{script}: {broken}\n"
        print(diff, end="")
        differ += bool(diff)
        if given.update and diff:
            script.write_text(text)
    print(f"{differ} of {len(given.scripts or SCRIPTS + PAGES)} scripts differ" + (" and were updated" if given.update else ""))
    return 1 if differ and not given.update else 0


if __name__ == "__main__":
    sys.exit(main())
