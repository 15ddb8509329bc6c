#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures searches without an index on one open handle, beside peers that a user has at hand.

    search_run.py BUILD [--rows 100000] [--dim 128] [--runs 20] [--folder DIR]

Ours: bench_graph_queries. Peers: SQLite FTS5, which has an index (its query, and what building it takes), and Lance's flat
scans. Answers are compared: the same nearest rows, the same rows with the word. Run it with a Python that has numpy,
pyarrow and pylance (tools/setup.sh python). One table on stdout.
"""
import argparse
import json
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import lance
import numpy as np
import pyarrow as pa

SCHEMA = "node Doc { key: I32 @key\n body: String\n v: Vector(%d) }\n"
RARE, MIDDLE, HEAD = "term900", "term90", "term3"


def made(rows, dim):
    random = np.random.default_rng(1)
    words = np.array(["term%d" % i for i in range(50000)])
    weight = 1.0 / np.arange(1, len(words) + 1) ** 1.07
    picks = random.choice(len(words), size=rows * 40, p=weight / weight.sum())
    bodies = [" ".join(words[picks[i * 40:(i + 1) * 40]]) for i in range(rows)]
    return bodies, random.standard_normal((rows, dim)).astype(np.float32).round(3)


def write(path, bodies, vectors):
    with open(path, "w", encoding="utf-8") as out:
        for i, (body, vector) in enumerate(zip(bodies, vectors)):
            numbers = ",".join("%.3f" % x for x in vector)
            out.write('{"type":"Doc","data":{"key":%d,"body":"%s","v":[%s]}}\n' % (i, body, numbers))


def median_ms(call, runs):
    call()
    samples = []
    for _ in range(runs):
        begin = time.perf_counter()
        answer = call()
        samples.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(samples), answer


def ours(build, graph, jobs, threads):
    text = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run([build / "bench/bench_graph_queries", graph, str(threads)], input=text, capture_output=True,
                          text=True, check=True)
    return {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}


def bm25(word):
    return ("query q() { match { $d: Doc } return { $d.key as key } order { bm25($d.body, \"%s\") } limit 10 }" % word)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--rows", type=int, default=100000)
    p.add_argument("--dim", type=int, default=128)
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--folder", default=None)
    o = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="search-", dir=o.folder) as folder:
        measure(o, pathlib.Path(folder))


def measure(o, folder):
    bodies, vectors = made(o.rows, o.dim)
    (folder / "doc.pg").write_text(SCHEMA % o.dim)
    write(folder / "doc.ndjson", bodies, vectors)
    program, graph = o.build / "bin/omnigraph", folder / "doc.omni"
    for command in (["init", "--schema", folder / "doc.pg", graph], ["load", "--mode", "overwrite", "--data", folder / "doc.ndjson", graph]):
        done = subprocess.run([program, *command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
    query = [round(float(x), 3) for x in vectors[0] + 0.1]
    near = "query q($v: Vector(%d)) { match { $d: Doc } return { $d.key as key } order { nearest($d.v, $v) } limit 10 }" % o.dim
    count = "query q() { match { $d: Doc search($d.body, \"%s\") } return { count($d) as n } }" % RARE
    jobs = [{"name": "nearest 10", "query": near, "params": [{"v": query}], "runs": o.runs},
            {"name": "bm25 rare", "query": bm25(RARE), "runs": o.runs},
            {"name": "bm25 middle", "query": bm25(MIDDLE), "runs": o.runs},
            {"name": "bm25 head", "query": bm25(HEAD), "runs": o.runs},
            {"name": "rows with a word", "query": count, "runs": o.runs}]
    mine = ours(o.build, graph, jobs, 2)

    table = lance.write_dataset(pa.table({"key": pa.array(range(o.rows), pa.int32()), "body": bodies, "v":
                                pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), o.dim)}), str(folder / "doc.lance"))
    flat, answer = median_ms(lambda: table.scanner(columns=["key"], nearest={"column": "v", "q": query, "k": 10},
                                                   disable_scoring_autoprojection=True).to_table(), o.runs)
    assert answer["key"].to_pylist() == [r["key"] for r in mine["nearest 10"]["rows"]]
    db = sqlite3.connect(str(folder / "doc.sqlite"))
    begin = time.perf_counter()
    db.execute("create virtual table doc using fts5(body, tokenize = 'porter unicode61')")
    db.executemany("insert into doc(rowid, body) values (?, ?)", ((i + 1, b) for i, b in enumerate(bodies)))
    db.commit()
    built = time.perf_counter() - begin
    peers = {"nearest 10": ("Lance flat scan", flat)}
    for name, word in (("bm25 rare", RARE), ("bm25 middle", MIDDLE), ("bm25 head", HEAD)):
        peers[name] = ("SQLite FTS5", median_ms(lambda: db.execute(
            "select rowid from doc where doc match ? order by bm25(doc) limit 10", (word,)).fetchall(), o.runs)[0])
    took, answer = median_ms(lambda: db.execute("select count(*) from doc where doc match ?", (RARE,)).fetchone(), o.runs)
    peers["rows with a word"] = ("SQLite FTS5", took)
    assert answer[0] == mine["rows with a word"]["rows"][0]["n"]
    print("| %d rows | OmniGraph, ms | peer, ms | | times as fast |\n|---|---|---|---|---|" % o.rows)
    for name, (peer, theirs) in peers.items():
        us = statistics.median(mine[name]["us"]) / 1e3
        print("| %s | %.3f | %.3f | %s | %.1f |" % (name, us, theirs, peer, theirs / us))
    print("SQLite built its index in %.1f s; ours is made by the first query." % built)


if __name__ == "__main__":
    main()
