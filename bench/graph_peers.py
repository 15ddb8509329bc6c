#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The graph queries of one peer: `graph_peers.py PEER DATA FOLDER` loads once, then answers lines.

PEER is duckdb, kuzu or sqlite; DATA is a folder of CSV files that graph_run.py's generator made. Each line of the input is
{"name", "query", "params": [...], "runs"}; each line of the output {"name", "us": [...], "answer"} with times taken
in this process: prepared statements, results fetched.
"""
import json
import pathlib
import sqlite3
import sys
import time

NODES = {
    "person": ("persons", "id BIGINT, name VARCHAR, gender VARCHAR, birthday VARCHAR, age BIGINT, isMarried VARCHAR"),
    "city": ("cities", "id BIGINT, city VARCHAR, state VARCHAR, country VARCHAR, population BIGINT"),
    "state": ("states", "id BIGINT, state VARCHAR, country VARCHAR"),
    "country": ("countries", "id BIGINT, country VARCHAR"),
    "interest": ("interests", "id BIGINT, interest VARCHAR"),
}
EDGES = {"follows": ("Person", "Person"), "lives_in": ("Person", "City"), "interested_in": ("Person", "Interest"),
         "city_in": ("City", "State"), "state_in": ("State", "Country")}
KUZU = ["CREATE NODE TABLE Person(id INT64, name STRING, gender STRING, birthday DATE, age INT64, isMarried BOOLEAN, "
        "PRIMARY KEY(id))",
        "CREATE NODE TABLE City(id INT64, city STRING, state STRING, country STRING, population INT64, PRIMARY KEY(id))",
        "CREATE NODE TABLE State(id INT64, state STRING, country STRING, PRIMARY KEY(id))",
        "CREATE NODE TABLE Country(id INT64, country STRING, PRIMARY KEY(id))",
        "CREATE NODE TABLE Interest(id INT64, interest STRING, PRIMARY KEY(id))"]


class DuckDB:
    def __init__(self, data, folder):
        import duckdb
        self.db = duckdb.connect(str(folder / "graph.duckdb"))
        self.db.execute("SET threads = 2")
        for table, (file, _) in NODES.items():
            self.db.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{data / file}.csv')")
        for table in EDGES:
            self.db.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{data / table}.csv')")
        self.db.execute("CHECKPOINT")

    def ask(self, query, seed):
        return self.db.execute(query, [seed] if seed is not None else []).fetchall()


class Kuzu:
    def __init__(self, data, folder):
        import kuzu
        self.db = kuzu.Database(str(folder / "graph.kuzu"))
        self.connection = kuzu.Connection(self.db, num_threads=2)
        self.prepared = {}
        for statement in KUZU:
            self.connection.execute(statement)
        for table, (source, target) in EDGES.items():
            self.connection.execute(f"CREATE REL TABLE {table}(FROM {source} TO {target})")
        for table, (file, _) in NODES.items():
            self.connection.execute(f"COPY {table.capitalize()} FROM '{data / file}.csv' (HEADER=true)")
        for table in EDGES:
            self.connection.execute(f"COPY {table} FROM '{data / table}.csv' (HEADER=true)")

    def ask(self, query, seed):
        if query not in self.prepared:
            self.prepared[query] = self.connection.prepare(query)
        return self.connection.execute(self.prepared[query], {"seed": seed} if seed is not None else {}).get_all()


class SQLite:
    def __init__(self, data, folder):
        self.db = sqlite3.connect(folder / "graph.sqlite")
        self.db.execute("PRAGMA cache_size = -262144")
        person = data / "persons.csv"
        self.db.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name, gender, birthday, age INT, isMarried)")
        self.db.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)", rows(person))
        self.db.execute("CREATE TABLE follows (f INT, t INT, PRIMARY KEY (f, t)) WITHOUT ROWID")
        self.db.executemany("INSERT INTO follows VALUES (?, ?)", rows(data / "follows.csv"))
        self.db.commit()

    def ask(self, query, seed):
        return self.db.execute(query, [seed] if seed is not None else []).fetchall()


def rows(path):
    with open(path) as lines:
        next(lines)
        for line in lines:
            yield line.rstrip("\n").split(",")


def main():
    peer, data, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    engine = {"duckdb": DuckDB, "kuzu": Kuzu, "sqlite": SQLite}[peer](data, folder)
    print(json.dumps({"ready": peer}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        seeds = job.get("params") or [None]
        answer = engine.ask(job["query"], seeds[0])
        times = []
        for i in range(job["runs"]):
            begin = time.perf_counter()
            engine.ask(job["query"], seeds[i % len(seeds)])
            times.append((time.perf_counter() - begin) * 1e6)
        print(json.dumps({"name": job["name"], "us": times, "answer": [list(map(str, r)) for r in answer[:3]]}),
              flush=True)


if __name__ == "__main__":
    main()
