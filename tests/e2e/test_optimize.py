# SPDX-License-Identifier: MIT
"""`omnigraph optimize`: fewer fragments, the same answers, and nobody disturbed."""
import json
import threading

from conftest import ADD


def load(og, low, high):
    path = og.folder / "more.ndjson"
    path.write_text("".join(json.dumps({"type": "Person", "data": {"name": f"n{i:06}", "age": i % 90}}) + "\n"
                            for i in range(low, high)))
    og.run("load", "--data", path, "--mode", "append", "--quiet", "g.omni", exits=0)


def commits(og):
    return len(json.loads(og.run("commit", "list", "--json", "g.omni", exits=0).stdout)["commits"])


def inspect(og):
    tables = json.loads(og.run("snapshot", "--json", "g.omni", exits=0).stdout)["datasets"]
    table = next(t for t in tables if t["type_name"] == "Person")
    return json.loads(og.run("lance", "inspect", og.folder / "g.omni" / table["dataset_path"], "--json",
                             table["published_dataset_version"], exits=0).stdout)


def test_small_fragments_become_one(og, graph):
    for i in range(3):
        load(og, 9000 * i, 9000 * (i + 1))
    og.run("mutate", "--store", "g.omni", "--quiet", "-e", "query q() { delete Person where age < 9 }", exits=0)
    export, before, made = og.run("export", "g.omni", exits=0).stdout, inspect(og), commits(og)
    assert len(before["fragments"]) >= 3 and before["deleted_rows"] > 2000
    done = og.run("optimize", "--as", "me", "g.omni", exits=0)
    assert done.stdout == f"node:Person: {len(before['fragments'])} fragments became 1\n"
    after = inspect(og)
    assert len(after["fragments"]) == 1 and after["deleted_rows"] == 0 and not after["problems"]
    assert sorted(og.run("export", "g.omni", exits=0).stdout.splitlines()) == sorted(export.splitlines())
    assert commits(og) == made + 1
    assert og.run("optimize", "g.omni", exits=0).stdout == "nothing to do\n"
    assert commits(og) == made + 1
    facts = json.loads(og.run("optimize", "--json", "g.omni", exits=0).stdout)
    assert [d["type_key"] for d in facts["datasets"]] == ["node:Person", "edge:Knows"]
    assert not any(d["committed"] or d["fragments_removed"] for d in facts["datasets"])


def test_beside_writers(og, graph):
    for i in range(4):
        load(og, 9000 * i, 9000 * (i + 1))
    writes = [threading.Thread(target=og.run, args=("mutate", "--store", "g.omni", "--quiet", "-e", ADD, "--params",
                                                    json.dumps({"n": f"w{k}"})), kwargs={"exits": 0})
              for k in range(12)]
    for k, w in enumerate(writes):
        w.start()
        if k % 4 == 2:
            og.run("optimize", "g.omni", exits=0)
    for w in writes:
        w.join()
    names = [json.loads(line)["data"]["name"] for line in og.run("export", "--type", "Person", "g.omni",
                                                                 exits=0).stdout.splitlines()]
    assert sorted(names) == sorted(["Ann", 'Bob, "B"', *(f"n{i:06}" for i in range(36000)), *(f"w{k}" for k in range(12))])
    assert not inspect(og)["problems"]


def test_refusals(og, graph):
    assert "none.omni" in og.run("optimize", "none.omni", exits=1).stderr
