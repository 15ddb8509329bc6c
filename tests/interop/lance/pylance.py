#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real Lance reads what we write: files of random columns, compared row by row.

pylance.py LANCE_WRITE_RANDOM LANCE_ROWS [SEEDS].  Needs the Python packages pylance and pyarrow; exits with 77 without.
"""
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    from lance.file import LanceFileReader
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from samples import rows_of, same


def plain(column):
    """Times as milliseconds and binaries as lists of bytes, as lance_rows prints them; times of day and durations as they
    count."""
    kind = column.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()).to_pylist()
    if pa.types.is_timestamp(kind):
        return [None if v is None else v / 1000 for v in pc.cast(column, pa.int64()).to_pylist()]
    if pa.types.is_date(kind):
        unit = 86400000 if pa.types.is_date32(kind) else 1
        whole = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return [None if v is None else v * unit for v in column.cast(whole).to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if v is None else list(v) for v in column.to_pylist()]
    return column.to_pylist()


def compare(table, ours):
    if table.num_rows != len(ours):
        return f"{table.num_rows} rows, expected {len(ours)}"
    for name in table.column_names:
        for i, theirs in enumerate(plain(table[name])):
            if not same(ours[i][name], theirs):
                return f"{name}, row {i}: {theirs!r}, expected {ours[i][name]!r}"
    return ""


def check(write, rows, folder, seed, minor):
    n = [1, 2, 100, 1500, 5000][seed % 5]
    name = f"{seed}-{minor}.lance"
    path = pathlib.Path(folder) / name
    subprocess.run([write, folder, name, str(seed), str(n), str(minor)], check=True)
    ours, err = rows_of(rows, path)
    if ours is None:
        return err
    reader = LanceFileReader(str(path))
    problem = compare(reader.read_all().to_table(), ours)
    offsets = sorted(random.Random(seed).sample(range(n), min(n, 40)))
    taken = reader.take_rows(offsets).to_table()
    return problem or compare(taken, [ours[o] for o in offsets])


def main():
    write, rows, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, seeds + 1):
            for minor in (1, 2):
                try:
                    problem = check(write, rows, folder, seed, minor)
                except Exception as e:  # whatever real Lance raises is a finding
                    problem = f"{type(e).__name__}: {e}"
                if problem:
                    print(f"FAIL seed {seed}, version 2.{minor}: {problem[:600]}")
                bad += bool(problem)
    print(f"{2 * seeds - bad} of {2 * seeds} files")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
