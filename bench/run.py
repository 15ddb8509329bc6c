#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures OmniGraph beside its peers and against its targets: docs/dev/performance.md says what and why.

    run.py BUILD [--runs 5] [--persons 100000] [--commits 100] [--history 1000] [--folder DIR]

Every run does every job once, so that ours and the peers' stand side by side in time; figures are medians over runs,
ratios are medians of the ratios of each run. One table on stdout; every sample as a line of build/bench/samples.jsonl.
Answers are compared, not only timed. Ends with 1 when a target is missed.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = [sys.executable, str(ROOT / "bench/peers.py")]
POINT = "query by_handle($h: String) { match { $p: Person { handle: $h } } return { $p.name } }"
# What each of these takes at most is printed, and must stay below a limit.
QUERIES = {
    "point read": "match { $p: Person { handle: \"p77\" } } return { $p.name }",
    "filter": "match { $p: Person $p.age > 40 $p.married = true } return { $p.handle } order { $p.handle } limit 10",
    "group by 2.4 M edges": "match { $p: Person $p follows $f } return { $f.handle as who, count($p) as n } "
                            "order { n desc } limit 10",
    "2-paths counted": "match { $p: Person $p follows $f $f follows $g } return { count($g) as n }",
    "3 hops from one": "match { $p: Person { handle: \"p77\" } $p follows{1,3} $f } return { count($f) as n }",
}
PEAK_LIMIT = 1 << 30
INSERT = ('query add($h: String) { insert Person { handle: $h, name: "Ada Berg", gender: "female", '
          'birthday: date("1990-12-10"), age: 35, married: true } }')
COUNTED = ("files", "syncs", "barriers", "written", "requests", "bytes")
TIER = 64  # commits between two tier steps of the log
COMMIT_LIMIT = 1.5
PARTS = 4  # in which a run's commits are made, in turn with the floor's
WARM = 5  # first commits of a process, not counted


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(c) for c in command)}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def timed(*command):
    begin = time.perf_counter()
    out = run(*command)
    return time.perf_counter() - begin, out


def peer(job, *arguments):
    return json.loads(run(*PEERS, job, *arguments))


def size_of(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def file_system(folder):
    mounts = [line.split()[1:3] for line in open("/proc/mounts")]
    return max((m for m in mounts if folder.is_relative_to(m[0])), key=lambda m: len(m[0]))[1]


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = pathlib.Path(options.build).resolve()
        self.omnigraph = self.build / "bin/omnigraph"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=options.folder))
        self.data = self.folder / "people.ndjson"
        self.graph = self.folder / "people"
        self.samples = {}  # name -> one number per run
        self.facts = {}

    def add(self, name, value):
        self.samples.setdefault(name, []).append(value)

    # -- the ground

    def prepare(self):
        with open(self.data, "wb") as out:
            subprocess.run([self.build / "bench/bench_generate", str(self.options.persons), "1"], stdout=out, check=True)
        kinds = [line.startswith(b'{"edge"') for line in open(self.data, "rb")]
        self.edges, self.persons = sum(kinds), len(kinds) - sum(kinds)
        assert peer("sqlite_make", self.data, self.folder)["persons"] == self.persons
        assert peer("lancedb_make", self.data, self.folder)["persons"] == self.persons
        self.measure_machine()

    def measure_machine(self):
        syncs = []
        with open(self.folder / "sync", "wb") as f:
            for _ in range(200):
                begin = time.perf_counter()
                f.write(bytes(4096))
                f.flush()
                os.fsync(f.fileno())
                syncs.append((time.perf_counter() - begin) * 1e6)
        cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        self.facts = {"cores": len(os.sched_getaffinity(0)), "cpu": cpu[0] if cpu else platform.machine(),
                      "memory_gib": round(memory), "file_system": file_system(self.folder), "kernel": platform.release(),
                      "append_fsync_us_p50": round(statistics.median(syncs)),
                      "append_fsync_us_p99": round(sorted(syncs)[197]), "load_before": os.getloadavg()[0]}

    # -- jobs, one sample each

    def new_graph(self, path):
        shutil.rmtree(path, ignore_errors=True)
        run(self.omnigraph, "init", "--schema", ROOT / "bench/people.pg", "--quiet", path)

    def load(self):
        self.new_graph(self.graph)
        seconds, _ = timed(self.omnigraph, "load", "--data", self.data, "--mode", "append", "--quiet", self.graph)
        rows = {d["type_name"]: d["entity_count"]
                for d in json.loads(run(self.omnigraph, "snapshot", "--json", self.graph))["datasets"]}
        plain = peer("duckdb_load", self.data, self.folder, "plain")
        checked = peer("duckdb_load", self.data, self.folder, "checked")
        for p in (plain, checked):
            assert (p["persons"], p["edges"]) == (rows["Person"], rows["Follows"]) == (self.persons, self.edges)
        self.add("load s", seconds)
        self.add("load s, DuckDB", plain["seconds"])
        self.add("load s, DuckDB checked", checked["seconds"])
        self.facts["disk_mb"] = round(size_of(self.graph) / 1e6, 1)
        self.facts["disk_mb_duckdb_checked"] = round(checked["disk"] / 1e6, 1)

    def export(self):
        out = self.folder / "export.ndjson"
        begin = time.perf_counter()
        with open(out, "wb") as f:
            subprocess.run([self.omnigraph, "export", self.graph], stdout=f, check=True)
        seconds = time.perf_counter() - begin
        theirs = peer("duckdb_export", self.folder)
        with open(out, "rb") as f:
            assert sum(1 for _ in f) == theirs["rows"] == self.persons + self.edges
        out.unlink()
        self.add("export s", seconds)
        self.add("export s, DuckDB", theirs["seconds"])

    def point(self):
        took = json.loads(run(self.build / "bench/bench_point_read", self.graph, self.folder / "people.sqlite", self.persons,
                              20000))
        self.add("point us, prepared", took["us"])
        self.add("point us, prepared, pinned", took["us_pinned"])
        self.add("point us, SQLite", took["us_sqlite"])

    def peaks(self):
        """The most that a process held while it did one job, in MiB: of each query, of the load, of the export."""
        self.new_graph(self.folder / "peak")
        jobs = {name: ["query", "--store", self.graph, "--format", "jsonl", "-e", f"query q() {{ {q} }}"]
                for name, q in QUERIES.items()}
        jobs["load"] = ["load", "--data", self.data, "--mode", "append", "--quiet", self.folder / "peak"]
        jobs["export"] = ["export", self.graph]
        self.peak = {}
        for name, command in jobs.items():
            child = subprocess.Popen([str(c) for c in [self.omnigraph, *command]], stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            assert child.returncode == 0, name
            self.peak[name] = used.ru_maxrss * 1024

    def read(self, i):
        handle = f"p{(i * 7919) % self.persons}"
        params = json.dumps({"h": handle})
        took = []
        for _ in range(9):
            seconds, out = timed(self.omnigraph, "query", "--store", self.graph, "--format", "jsonl", "-e", POINT,
                                 "--params", params)
            took.append(seconds)
        theirs = [peer("lancedb_read", self.folder, handle) for _ in range(3)]
        assert json.loads(out.splitlines()[1])["p.name"] == theirs[0]["name"]
        self.add("read ms", statistics.median(took) * 1e3)
        self.add("read ms, LanceDB", statistics.median(t["seconds"] for t in theirs) * 1e3)

    def commits(self, name, graph, run_number):
        """Ours, then the same operations bare, a few at a time: what the disk has to do besides changes by the second.
        The bare ones are done in a copy of the graph, which so stays in step with it: folders cost what they hold."""
        trace, floor = self.folder / "trace", self.folder / "floor"
        shutil.rmtree(floor, ignore_errors=True)
        shutil.copytree(graph, floor)
        n = self.options.commits // PARTS + WARM
        ours, bare = [], []
        for part in range(PARTS):
            os.sync()
            ours += lines(run(self.build / "bench/bench_commit_cost", graph, n, f"r{run_number}.{part}.", trace))[WARM:]
            os.sync()
            bare += lines(run(self.build / "bench/bench_commit_floor", floor, trace))[WARM:]
        assert len(ours) == len(bare) == PARTS * (n - WARM)
        self.add(f"commit us, {name}", statistics.median(c["us"] for c in ours))
        self.add(f"commit us, {name}, floor", statistics.median(c["us"] for c in bare))
        return PARTS * n

    def commit(self, i):
        small = self.folder / "small"
        self.new_graph(small)
        self.commits("empty graph", small, i)
        made = self.commits("loaded graph", self.graph, i)
        os.sync()
        sqlite = peer("sqlite_commit", self.folder, self.options.commits, f"r{i}.")["us"][WARM:]
        self.add("commit us, SQLite FULL", statistics.median(sqlite))
        took = [timed(self.omnigraph, "mutate", "--store", self.graph, "--quiet", "-e", INSERT, "--params",
                      json.dumps({"h": f"c{i}.{k}"}))[0] for k in range(9)]
        self.add("commit ms, fresh process", statistics.median(took) * 1e3)
        rows = {d["type_name"]: d["entity_count"]
                for d in json.loads(run(self.omnigraph, "snapshot", "--json", self.graph))["datasets"]}
        assert rows["Person"] == self.persons + made + 9

    def history(self):
        """Counts per commit as history grows, on a graph of its own."""
        graph = self.folder / "history"
        self.new_graph(graph)
        self.by_version = {c["version"]: c for c in lines(
            run(self.build / "bench/bench_commit_cost", graph, self.options.history, "h"))}

    # -- what came out

    def ratio(self, ours, peers):
        return statistics.median(a / b for a, b in zip(self.samples[ours], self.samples[peers]))

    def table(self):
        rows = [("load s", "load s, DuckDB", "goal 0.5", None),
                ("load s", "load s, DuckDB checked", "goal 1.0", None),
                ("export s", "export s, DuckDB", "goal 0.67", None),
                ("point us, prepared", "point us, SQLite", "goal 2.0", None),
                ("point us, prepared, pinned", "point us, SQLite", "goal 2.0", None),
                ("commit us, empty graph", "commit us, empty graph, floor", f"at most {COMMIT_LIMIT}", COMMIT_LIMIT),
                ("commit us, loaded graph", "commit us, loaded graph, floor", f"at most {COMMIT_LIMIT}", COMMIT_LIMIT),
                ("commit us, loaded graph", "commit us, SQLite FULL", "", None),
                ("commit ms, fresh process", None, "", None),
                ("read ms", "read ms, LanceDB", "goal 1.0", None)]
        missed = []
        print(f"\n{'ours':<26}{'median':>9}{'spread':>16}   {'beside':<30}{'median':>9}{'spread':>16}{'ratio':>7}")
        for ours, other, target, limit in rows:
            text = f"{ours:<26}{self.cell(ours)}"
            if other:
                ratio = self.ratio(ours, other)
                text += f"   {other:<30}{self.cell(other)}{ratio:>7.2f}  {target}"
                if limit and ratio > limit:
                    missed.append(f"{ours}: {ratio:.2f} x {other}, {target}")
                    text += "  MISSED"
            print(text)
        return missed

    def cell(self, name):
        v = self.samples[name]
        digits = 0 if statistics.median(v) >= 100 else 2
        spread = f"{min(v):.{digits}f}..{max(v):.{digits}f}"
        return f"{statistics.median(v):>9.{digits}f}{spread:>16}"

    def windows(self, key):
        """(median, smallest, largest) over one tier's worth of commits from version 10, and up to the last."""
        last = max(self.by_version)
        for versions in (range(10, 10 + TIER), range(last - TIER + 1, last + 1)):
            v = [self.by_version[n][key] for n in versions]
            yield statistics.median(v), min(v), max(v)

    def counts(self):
        """Per commit, the last tier must lie where the first does, give or take the first one's own spread."""
        missed = []
        last = max(self.by_version)
        points = [v for v in (10, 100, 1000, 10000) if v in self.by_version]
        print(f"\n{'per commit':<12}" + "".join(f"{f'version {v}':>14}" for v in points) +
              f"{'tier from 10':>26}{f'tier to {last}':>26}")
        for key in COUNTED:
            (first, low, high), (end, end_low, end_high) = self.windows(key)
            text = f"{key:<12}" + "".join(f"{self.by_version[v][key]:>14}" for v in points)
            text += f"{f'{first:.0f} ({low}..{high})':>26}{f'{end:.0f} ({end_low}..{end_high})':>26}"
            if abs(end - first) > high - low:
                missed.append(f"{key} per commit: {first:.0f} at version 10, {end:.0f} at version {last}")
                text += "  MISSED"
            print(text)
        (first, *_), (end, *_) = self.windows("us")
        print(f"{'us':<12}" + "".join(f"{self.by_version[v]['us']:>14.0f}" for v in points) + f"{first:>26.0f}{end:>26.0f}")
        return missed

    def memory(self):
        print("\nat most, MiB: " + ", ".join(f"{name} {peak / 2**20:.0f}" for name, peak in self.peak.items()))
        return [f"{name} takes {peak / 2**20:.0f} MiB, at most {PEAK_LIMIT >> 20}"
                for name, peak in self.peak.items() if peak > PEAK_LIMIT]

    def save(self):
        out = ROOT / "build/bench"
        out.mkdir(parents=True, exist_ok=True)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(out / "samples.jsonl", "a") as f:
            f.write(json.dumps({"when": when, "machine": self.facts, "persons": self.persons, "edges": self.edges}) + "\n")
            for name, values in self.samples.items():
                for i, value in enumerate(values):
                    f.write(json.dumps({"when": when, "run": i, "what": name, "value": value}) + "\n")
            for c in self.by_version.values():
                f.write(json.dumps({"when": when, "what": "commit", **c}) + "\n")

    def main(self):
        self.prepare()
        print(f"{self.persons} persons, {self.edges} edges; " + ", ".join(f"{k} {v}" for k, v in self.facts.items()))
        for i in range(self.options.runs):
            for job in (self.load, self.export, self.point, lambda: self.read(i), lambda: self.commit(i)):
                job()
            print(f"run {i + 1} of {self.options.runs} done, load average {os.getloadavg()[0]:.1f}", flush=True)
        self.history()
        self.peaks()
        missed = self.table() + self.counts() + self.memory()
        print(f"\non disk: {self.facts['disk_mb']} MB, DuckDB checked {self.facts['disk_mb_duckdb_checked']} MB")
        self.save()
        print("\n" + "\n".join(f"missed: {m}" for m in missed) if missed else "\nevery target is met")
        return 1 if missed else 0


def options():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--persons", type=int, default=100000)
    p.add_argument("--commits", type=int, default=100)
    p.add_argument("--history", type=int, default=10000)
    p.add_argument("--folder", default=str(ROOT / "build/bench"), help="where graphs and peers' files go")
    return p.parse_args()


if __name__ == "__main__":
    given = options()
    pathlib.Path(given.folder).mkdir(parents=True, exist_ok=True)
    bench = Bench(given)
    try:
        status = bench.main()
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    sys.exit(status)
