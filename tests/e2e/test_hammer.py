# SPDX-License-Identifier: MIT
"""Eight processes at a time on one graph, one of them killed every now and then, and no lock between them.

Each worker runs one command after the other: loads, mutations, an update of a row of its own, branches that are written
to and merged, compaction and cleanup. Every command that could leave something behind has a number, which stands in all
rows it writes, and a receipt: acknowledged, refused, or killed. In the end

- what was acknowledged is there, whole and once; what was refused is not; what was killed is there whole or not at all;
- a worker's own row has the value it last wrote, or tried to write later;
- every acknowledged commit is in the history once, first parents lead from the head to the genesis without a gap, and
  each commit stands one version or more above its parent.

OG_HAMMER is the number of seconds (5), OG_SEED the seed of what the workers choose.
"""
import collections
import json
import os
import random
import threading
import time

SCHEMA = """\
node Hub { name: String @key }
node Own { name: String @key value: I64 }
node Mark { write: I64 row: I32 text: String }
edge Tag: Hub -> Hub { write: I64 row: I32 }
"""
WORKERS = 8
ADD = """query add($w: I64, $t: String) {
  insert Mark { write: $w, row: 0, text: $t }
  insert Tag { from: "hub", to: "hub", write: $w, row: 0 }
}"""
SET = 'query set($n: String, $v: I64) { update Own set { value: $v } where name = $n }'


class Ground:
    """What the workers share: the running processes, and the receipts."""

    def __init__(self, og, seconds):
        self.og, self.ends, self.lock = og, time.monotonic() + seconds, threading.Lock()
        self.numbers, self.running, self.receipts, self.failures = 0, {}, [], []
        self.tally = collections.Counter()

    def number(self):
        with self.lock:
            self.numbers += 1
            return self.numbers

    def run(self, *args):
        """(state, answer) of one command: acknowledged, refused or killed."""
        process = self.og.start(*args, "--json", "--quiet")
        with self.lock:
            self.running[process.pid] = process
        out, err = process.communicate(timeout=120)
        with self.lock:
            del self.running[process.pid]
        state = {0: "acknowledged", 1: "refused", -9: "killed"}.get(process.returncode)
        assert state, (args, process.returncode, err.decode())
        if state == "refused" and json.loads(out).get("code") == "outcome_unknown":
            state = "killed"
        if state == "refused":
            # Contention and a branch that somebody deletes are the only reasons there are here.
            assert json.loads(out)["code"] in ("conflict", "not_found"), (args, out.decode(), err.decode())
            print(json.loads(out)["error"])
        with self.lock:
            self.tally[args[0] + (" " + args[1] if args[0] == "branch" else ""), state] += 1
        return state, json.loads(out) if state == "acknowledged" and out else None

    def receipt(self, number, rows, state, commit=None):
        with self.lock:
            self.receipts.append((number, rows, state, commit))


class Worker(threading.Thread):
    def __init__(self, ground, index, seed):
        super().__init__()
        self.ground, self.name, self.rng = ground, f"w{index}", random.Random(seed * WORKERS + index)
        self.value, self.acknowledged_value = 0, 0

    def run(self):
        try:
            while time.monotonic() < self.ground.ends:
                self.rng.choices([self.load, self.add, self.set, self.branch, self.optimize, self.cleanup],
                                 [4, 6, 4, 2, 1, 1])[0]()
        except BaseException as error:  # noqa: B902 -- told by the test, in its own thread
            self.ground.failures.append(error)

    def lines(self, number, rows):
        for row in range(rows):
            yield json.dumps({"type": "Mark", "data": {"write": number, "row": row, "text": "x" * 20}}) + "\n"
            yield json.dumps({"edge": "Tag", "from": "hub", "to": "hub", "data": {"write": number, "row": row}}) + "\n"

    def data(self, number, rows):
        path = self.ground.og.folder / f"{number}.ndjson"
        path.write_text("".join(self.lines(number, rows)))
        return path

    def load(self):
        number, rows = self.ground.number(), self.rng.choice([1, 10, 200])
        state, answer = self.ground.run("load", "--data", self.data(number, rows), "--mode",
                                        self.rng.choice(["append", "merge"]), "g.omni")
        self.ground.receipt(number, rows, state, answer and answer["commit"])

    def add(self):
        number = self.ground.number()
        state, answer = self.ground.run("mutate", "--store", "g.omni", "-e", ADD, "--params",
                                        json.dumps({"w": number, "t": "t"}))
        self.ground.receipt(number, 1, state, answer and answer["commit"])

    def set(self):
        self.value += 1
        state, _ = self.ground.run("mutate", "--store", "g.omni", "-e", SET, "--params",
                                   json.dumps({"n": self.name, "v": self.value}))
        if state == "acknowledged":
            self.acknowledged_value = self.value

    def branch(self):
        number, name = self.ground.number(), f"{self.name}-{self.ground.number()}"
        if self.ground.run("branch", "create", name, "--uri", "g.omni")[0] != "acknowledged":
            return
        rows = self.rng.choice([1, 20])
        state, _ = self.ground.run("load", "--data", self.data(number, rows), "--mode", "append", "--branch", name,
                                   "g.omni")
        if state != "acknowledged":
            return
        state, answer = self.ground.run("branch", "merge", name, "--into", "main", "--uri", "g.omni")
        self.ground.receipt(number, rows, state, answer and answer.get("commit"))
        if state == "acknowledged":
            self.ground.run("branch", "delete", name, "--uri", "g.omni")

    def optimize(self):
        self.ground.run("optimize", "g.omni")

    def cleanup(self):
        if HAS_CLEANUP:
            self.ground.run("cleanup", "g.omni", "--keep", "50", "--confirm")


HAS_CLEANUP = False


def kill_now_and_then(ground, every, rng):
    while time.monotonic() < ground.ends:
        time.sleep(every)
        with ground.lock:
            if ground.running:
                rng.choice(list(ground.running.values())).kill()


def check_rows(og, ground):
    there = collections.defaultdict(collections.Counter)
    for line in og.run("export", "g.omni", exits=0).stdout.splitlines():
        entity = json.loads(line)
        kind = entity.get("type") or entity["edge"]
        if kind in ("Mark", "Tag"):
            there[entity["data"]["write"]][kind, entity["data"]["row"]] += 1
    states = {}
    for number, rows, state, _ in ground.receipts:
        states[number] = state
        whole = {(kind, row): 1 for kind in ("Mark", "Tag") for row in range(rows)}
        if state == "acknowledged":
            assert there.get(number) == whole, f"write {number}, acknowledged, is lost, torn or doubled"
        elif state == "refused":
            assert number not in there, f"write {number} was refused and is there"
        else:
            assert there.get(number, whole) == whole, f"write {number}, killed, is torn or doubled"
    assert there.keys() <= states.keys(), "rows that nobody wrote"
    return states


def check_history(og, ground):
    commits = og.json("commit", "list", "g.omni")["commits"]
    by_id = {commit["graph_commit_id"]: commit for commit in commits}
    assert len(by_id) == len(commits), "a commit is listed twice"
    for number, _, state, commit in ground.receipts:
        assert state != "acknowledged" or not commit or commit["graph_commit_id"] in by_id, f"commit of {number} is lost"
    at, steps = commits[0], 0
    while at["parent_commit_id"]:
        parent = by_id[at["parent_commit_id"]]
        assert parent["graph_manifest_version"] < at["graph_manifest_version"], "a commit does not stand above its parent"
        at, steps = parent, steps + 1
    return steps


def test_eight_processes_lose_tear_and_double_nothing(og):
    global HAS_CLEANUP
    seconds = float(os.environ.get("OG_HAMMER", "5"))
    seed = int(os.environ.get("OG_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"OG_SEED={seed} OG_HAMMER={seconds}")
    og.init(schema=SCHEMA)
    og.load('{"type":"Hub","data":{"name":"hub"}}\n' + "".join(
        json.dumps({"type": "Own", "data": {"name": f"w{i}", "value": 0}}) + "\n" for i in range(WORKERS)))
    HAS_CLEANUP = "cleanup" in og.run("help", exits=0).stdout
    ground = Ground(og, seconds)
    workers = [Worker(ground, i, seed) for i in range(WORKERS)]
    killer = threading.Thread(target=kill_now_and_then, args=(ground, min(1, seconds / 10), random.Random(seed)))
    for thread in [*workers, killer]:
        thread.start()
    for thread in [*workers, killer]:
        thread.join()
    assert not ground.failures, ground.failures

    states = check_rows(og, ground)
    values = {row["name"]: row["value"] for row in og.rows(
        "query q() { match { $o: Own } return { $o.name as name, $o.value as value } }")}
    for worker in workers:
        assert worker.acknowledged_value <= values[worker.name] <= worker.value, f"{worker.name} went back"
    steps = check_history(og, ground)
    print(dict(sorted(ground.tally.items())), f"{steps} commits behind the head")
    counts = collections.Counter(states.values())
    assert counts["acknowledged"] and any(state == "killed" for _, state in ground.tally), "nobody won, or nobody was hit"
