# SPDX-License-Identifier: MIT
"""Searches without an index find and rank what the indexes of real Lance find and rank.

The same texts and vectors stand in a graph of ours and in a table of Lance's, there with an INVERTED index. Lance computes
in single precision; ties may come in another order.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder with bin/omnigraph. Run with each pinned pylance.
"""
import json
import os
import random
import subprocess

import lance
import pyarrow as pa
import pytest

ROWS, DIM = 400, 5
WORDS = ("harbor harbors harbour light lights lighting the of in patrol manual mountain mountains trail trails quiet valley run "
         "running runner engine engines café Straße x1 2.5 naïve").split()
SCHEMA = "node Doc { n: I32 @key\n body: String?\n v: Vector(%d)? }\n" % DIM


def omnigraph(*args):
    done = subprocess.run([os.path.join(os.environ["OG_BUILD_DIR"], "bin", "omnigraph"), *map(str, args)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", name="both")
def make(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    r = random.Random(5)
    bodies = [None if r.random() < 0.05 else " ".join(r.choices(WORDS, k=r.randrange(15))) for _ in range(ROWS)]
    vectors = [None if r.random() < 0.05 else [round(r.uniform(-1, 1), 3) for _ in range(DIM)] for _ in range(ROWS)]
    (folder / "doc.pg").write_text(SCHEMA)
    (folder / "doc.ndjson").write_text("".join(
        json.dumps({"type": "Doc", "data": {"n": i, "body": b, "v": v}}) + "\n"
        for i, (b, v) in enumerate(zip(bodies, vectors))))
    omnigraph("init", "--schema", folder / "doc.pg", folder / "doc.omni")
    omnigraph("load", "--mode", "overwrite", "--data", folder / "doc.ndjson", folder / "doc.omni")
    table = pa.table({"n": pa.array(range(ROWS), pa.int32()), "body": pa.array(bodies, pa.utf8()),
                      "v": pa.array(vectors, pa.list_(pa.float32(), DIM))})
    uri = str(folder / "doc.lance")
    lance.write_dataset(table, uri).create_scalar_index("body", "INVERTED", with_position=True)
    return folder / "doc.omni", lance.dataset(uri)


def ours(graph, query, params):
    out = omnigraph("query", "-e", query, "--store", graph, "--format", "json", "--params", json.dumps(params))
    return json.loads(out)["rows"]


def theirs(table, query):
    scan = table.scanner(columns=["n", "_score"], full_text_query=query, disable_scoring_autoprojection=True)
    return {row["n"]: row["_score"] for row in scan.to_table().to_pylist()}


QUERIES = ["harbor", "HARBORS lights", "the", "run the trail", "harbor harbor", "running engines in a quiet valley", "cafe Straße",
           "mountain nothing", "x1", "2.5", "naive naïve"]


@pytest.mark.parametrize("text", QUERIES)
def test_words_and_scores(both, text):
    graph, table = both
    query = "query q($q: String) { match { $d: Doc search($d.body, $q) } return { $d.n as n, bm25($d.body, $q) as s } }"
    mine = {row["n"]: row["s"] for row in ours(graph, query, {"q": text})}
    found = theirs(table, text)
    assert mine.keys() == found.keys()
    for n, score in found.items():
        assert mine[n] == pytest.approx(score, rel=2e-5), n
    ranked = "query q($q: String) { match { $d: Doc } return { $d.n as n } order { bm25($d.body, $q) } }"
    scores = [mine[row["n"]] for row in ours(graph, ranked, {"q": text})]
    assert len(scores) == len(mine) and scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("text", ["harbor lights", "run trails", "lights of a harbor", "engine", "mountain trail valley"])
def test_phrases(both, text):
    graph, table = both
    query = "query q($q: String) { match { $d: Doc phrase($d.body, $q) } return { $d.n as n } }"
    mine = {row["n"] for row in ours(graph, query, {"q": text})}
    from lance.query import PhraseQuery
    scan = table.scanner(columns=["n"], full_text_query=PhraseQuery(text, "body"), disable_scoring_autoprojection=True)
    assert mine == set(scan.to_table()["n"].to_pylist())


def test_nearest(both):
    graph, table = both
    r = random.Random(9)
    query = ("query q($v: Vector(%d)) { match { $d: Doc } return { $d.n as n, nearest($d.v, $v) as d } "
             "order { nearest($d.v, $v) } limit 20 }" % DIM)
    for _ in range(5):
        v = [round(r.uniform(-1, 1), 3) for _ in range(DIM)]
        mine = ours(graph, query, {"v": v})
        found = table.to_table(columns=["n", "_distance"], nearest={"column": "v", "q": v, "k": 20}).to_pylist()
        assert [row["n"] for row in mine] == [row["n"] for row in found]
        assert [row["d"] for row in mine] == pytest.approx([row["_distance"] for row in found], rel=1e-5)
