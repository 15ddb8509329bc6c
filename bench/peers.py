#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One job of one peer in a fresh process: `peers.py JOB ARGUMENTS...` prints one JSON object.

Seconds are taken inside the process, after the peer's module is imported: the peers do not pay for Python.
"""
import json
import pathlib
import sqlite3
import sys
import time

PERSON = "handle VARCHAR, name VARCHAR, gender VARCHAR, birthday DATE, age INTEGER, married BOOLEAN"
NEW_PERSON = ("Ada Berg", "female", "1990-12-10", 35, True)


def duckdb_load(data, folder, checked):
    """Into one table, as it comes; or into two, with the keys and endpoints checked that a graph checks."""
    import duckdb
    path = pathlib.Path(folder) / "load.duckdb"
    for old in pathlib.Path(folder).glob("load.duckdb*"):
        old.unlink()
    begin = time.perf_counter()
    db = duckdb.connect(str(path))
    db.execute(f"""CREATE TABLE lines AS SELECT * FROM read_json('{data}', format = 'newline_delimited', columns = {{
        type: 'VARCHAR', edge: 'VARCHAR', "from": 'VARCHAR', "to": 'VARCHAR', data: 'STRUCT({PERSON})'}})""")
    if checked == "checked":
        db.execute("CREATE TABLE person (handle VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, gender VARCHAR NOT NULL, "
                   "birthday DATE NOT NULL, age INTEGER NOT NULL, married BOOLEAN NOT NULL)")
        db.execute("INSERT INTO person SELECT unnest(data) FROM lines WHERE type = 'Person'")
        db.execute("""CREATE TABLE follows AS SELECT uuid() AS id, "from", "to" FROM lines WHERE edge = 'Follows'""")
        lost = db.execute("""SELECT count(*) FROM follows WHERE "from" NOT IN (SELECT handle FROM person)
            OR "to" NOT IN (SELECT handle FROM person)""").fetchone()[0]
        assert lost == 0
        db.execute("DROP TABLE lines")
    db.execute("CHECKPOINT")
    seconds = time.perf_counter() - begin
    if checked == "checked":
        counts = [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("person", "follows")]
    else:
        counts = [db.execute(f"SELECT count(*) FROM lines WHERE {t} IS NOT NULL").fetchone()[0] for t in ("type", "edge")]
    db.close()
    return {"seconds": seconds, "persons": counts[0], "edges": counts[1], "disk": path.stat().st_size}


def duckdb_export(folder):
    """The same lines as ours, in no particular order, from the tables of the checked load."""
    import duckdb
    out = pathlib.Path(folder) / "duckdb.ndjson"
    db = duckdb.connect(str(pathlib.Path(folder) / "load.duckdb"), read_only=True)
    data = ", ".join(f"'{c.split()[0]}': {c.split()[0]}" for c in PERSON.split(", "))
    begin = time.perf_counter()
    for rows in ("""SELECT 'Follows' AS edge, "from", "to", {'id': id} AS data FROM follows""",
                 f"SELECT 'Person' AS type, {{'id': handle, {data}}} AS data FROM person"):
        db.execute(f"COPY ({rows}) TO '{out}' (FORMAT json)")
    seconds = time.perf_counter() - begin
    rows = sum(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("person", "follows"))
    db.close()
    out.unlink()
    return {"seconds": seconds, "rows": rows}


def sqlite_rows(data):
    with open(data, "rb") as lines:
        for line in lines:
            record = json.loads(line)
            if "edge" in record:
                return
            d = record["data"]
            yield d["handle"], d["name"], d["gender"], d["birthday"], d["age"], d["married"]


def sqlite_make(data, folder):
    db = sqlite3.connect(pathlib.Path(folder) / "people.sqlite")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE person (handle TEXT PRIMARY KEY, name TEXT NOT NULL, gender TEXT NOT NULL, "
               "birthday TEXT NOT NULL, age INTEGER NOT NULL, married INTEGER NOT NULL) WITHOUT ROWID")
    db.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)", sqlite_rows(data))
    db.commit()
    return {"persons": db.execute("SELECT count(*) FROM person").fetchone()[0]}


def sqlite_commit(folder, commits, prefix):
    db = sqlite3.connect(pathlib.Path(folder) / "people.sqlite", isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    times = []
    for i in range(int(commits)):
        begin = time.perf_counter()
        db.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)", (f"{prefix}{i}", *NEW_PERSON))
        times.append((time.perf_counter() - begin) * 1e6)
    return {"us": times}


def lancedb_make(data, folder):
    import lancedb
    import pyarrow
    names = ("handle", "name", "gender", "birthday", "age", "married")
    rows = [dict(zip(names, row)) for row in sqlite_rows(data)]
    table = lancedb.connect(pathlib.Path(folder) / "lancedb").create_table("person", pyarrow.Table.from_pylist(rows))
    table.create_scalar_index("handle", index_type="BTREE")
    return {"persons": table.count_rows()}


def lancedb_read(folder, handle):
    import lancedb
    begin = time.perf_counter()
    table = lancedb.connect(pathlib.Path(folder) / "lancedb").open_table("person")
    rows = table.search().where(f"handle = '{handle}'").select(["name"]).to_list()
    seconds = time.perf_counter() - begin
    assert len(rows) == 1
    return {"seconds": seconds, "name": rows[0]["name"]}


if __name__ == "__main__":
    jobs = [duckdb_load, duckdb_export, sqlite_make, sqlite_commit, lancedb_make, lancedb_read]
    job = {j.__name__: j for j in jobs}[sys.argv[1]]
    print(json.dumps(job(*sys.argv[2:])))
