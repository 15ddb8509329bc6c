# SPDX-License-Identifier: MIT
"""File version 2.0, which we only read: real Lance writes tables of random values, lance_rows reads their files."""
import json
import os
import pathlib
import random
import subprocess

import lance
import pyarrow as pa
import pytest

ROWS = [1, 7, 300, 20000]


def tool():
    path = pathlib.Path(os.environ["OG_BUILD_DIR"]) / "bin" / "lance_rows"
    assert path.exists(), f"{path} was not built"
    return path


def maybe(rnd, value, nulls):
    return None if nulls and rnd.random() < 0.2 else value


def some_list(rnd, item, nulls):
    return maybe(rnd, [maybe(rnd, item(), False) for _ in range(rnd.choice([0, 0, 1, 2, 9]))], nulls)


def table(rnd, n, nulls):
    few = ["red", "green", "", "blue"]
    word = lambda: "".join(rnd.choice("abcdefgh ä") for _ in range(rnd.randrange(30)))
    column = lambda make, kind: pa.array([make() for _ in range(n)], kind)
    return pa.table({
        "i": column(lambda: maybe(rnd, rnd.randrange(-2**40, 2**40), nulls), pa.int64()),
        "u": column(lambda: maybe(rnd, rnd.randrange(200), nulls), pa.uint8()),
        "b": column(lambda: maybe(rnd, rnd.random() < 0.5, nulls), pa.bool_()),
        "f": column(lambda: maybe(rnd, rnd.random(), nulls), pa.float64()),
        "s": column(lambda: maybe(rnd, word(), nulls), pa.string()),
        "few": column(lambda: maybe(rnd, rnd.choice(few), nulls), pa.string()),
        "none": pa.nulls(n, pa.string()),
        "v": column(lambda: [rnd.randrange(100) / 4 for _ in range(4)], pa.list_(pa.float32(), 4)),
        "l": column(lambda: some_list(rnd, lambda: rnd.randrange(9), nulls), pa.list_(pa.int32())),
        "ls": column(lambda: some_list(rnd, word, nulls), pa.list_(pa.string())),
        "ll": column(lambda: some_list(rnd, lambda: some_list(rnd, lambda: 1, False), nulls), pa.list_(pa.list_(pa.int16()))),
        "st": column(lambda: {"a": maybe(rnd, rnd.randrange(9), nulls), "t": word()},
                     pa.struct([("a", pa.int32()), ("t", pa.string())])),
    })


@pytest.mark.parametrize("nulls", [False, True], ids=["full", "nulls"])
@pytest.mark.parametrize("n", ROWS)
def test_real_lance_writes_and_we_read(tmp_path, n, nulls):
    rnd = random.Random(n)
    want = table(rnd, n, nulls)
    dataset = lance.write_dataset(want, tmp_path / "t.lance", data_storage_version="2.0", max_rows_per_file=n)
    want = dataset.to_table().to_pylist()
    file, = (tmp_path / "t.lance" / "data").glob("*.lance")
    for offsets in ([], sorted(rnd.sample(range(n), min(n, 40)))):
        done = subprocess.run([tool(), file, *map(str, offsets)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        got = [json.loads(line) for line in done.stdout.splitlines()]
        assert got == ([want[o] for o in offsets] if offsets else want)
