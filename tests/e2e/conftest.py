# SPDX-License-Identifier: MIT
"""Runs the omnigraph binary: OG_BIN (a folder or a file), else the one on PATH."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

SCHEMA = """\
node Person {
  name: String @key
  age: I32?
}
edge Knows: Person -> Person {
  since: Date?
}
"""

DATA = """\
{"type":"Person","data":{"name":"Ann","age":30}}
{"type":"Person","data":{"name":"Bob, \\"B\\""}}
{"edge":"Knows","from":"Ann","to":"Bob, \\"B\\"","data":{"since":"2020-01-02"}}
"""

NAMES = "query names() { match { $p: Person } return { $p.name, $p.age as age } order { $p.name asc } }"
ADD = "query add($n: String) { insert Person { name: $n } }"


def binary():
    found = os.environ.get("OG_BIN") or shutil.which("omnigraph")
    if not found:
        pytest.fail("no omnigraph: set OG_BIN, or put its folder on PATH")
    path = pathlib.Path(found).resolve()
    return path / "omnigraph" if path.is_dir() else path


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMNIGRAPH")}
    return kept | {"HOME": str(home), "OMNIGRAPH_HOME": str(home)}


class Omnigraph:
    """omnigraph in one folder. Whatever it is given, it must not crash: run() checks that each time.

    `under` stands in front of each command; `options` go to Popen.
    """

    def __init__(self, folder):
        self.folder, self.binary, self.env, self.under, self.options = folder, binary(), environment(folder), [], {}

    def start(self, *args):
        return subprocess.Popen([*self.under, self.binary, *map(str, args)], cwd=self.folder, env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                **self.options)

    def run(self, *args, exits=None):
        """Runs one command; `exits` is the exit code it must end with (None: 0 or 1)."""
        process = self.start(*args)
        out, err = process.communicate(timeout=120)
        done = subprocess.CompletedProcess(args, process.returncode, out.decode(), err.decode())
        assert done.returncode in ((0, 1) if exits is None else (exits,)), done
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done
        if done.returncode != 0:
            assert done.stderr.startswith("error: ") or "\nerror: " in done.stderr, done
            assert all(c.isprintable() or c in "\n\t\r" for c in done.stderr), done
        return done

    def json(self, *args, exits=0):
        return json.loads(self.run(*args, "--json", exits=exits).stdout)

    def init(self, graph="g.omni", schema=SCHEMA):
        (self.folder / "s.pg").write_text(schema)
        self.run("init", "--schema", "s.pg", graph, exits=0)
        return self.folder / graph

    def load(self, text, graph="g.omni", mode="append", exits=0):
        (self.folder / "d.ndjson").write_text(text)
        return self.run("load", "--data", "d.ndjson", "--mode", mode, graph, exits=exits)

    def rows(self, source=NAMES, graph="g.omni"):
        return self.json("query", "--store", graph, "-e", source)["rows"]


@pytest.fixture
def og(tmp_path):
    return Omnigraph(tmp_path)


@pytest.fixture
def graph(og):
    """A graph of two persons who know each other, in g.omni."""
    folder = og.init()
    og.load(DATA)
    return folder
