# SPDX-License-Identifier: MIT
"""Long columns of strings, coded as they suit best, read by pylance as they were written.

Needs pylance, pyarrow and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so and bin/omnigraph.
"""
import json
import os
import random
import subprocess

import lance
import pyarrow as pa
import pytest

from lance_api import CREATE, Library

R = random.Random(4)
WORDS = ["".join(R.choices("abcdefghijklmnoprstuvwxyzäß", k=R.randrange(2, 11))) for _ in range(2000)]
ROWS = 6000
KINDS = {
    "mail": lambda i: f"{R.choice(WORDS)}.{i}@example.com",
    "text": lambda i: " ".join(R.choices(WORDS, k=R.randrange(30, 80))),
    "ids": lambda i: f"p{R.randrange(10**6):06}",
    "sparse": lambda i: None if i % 3 else f"{i:08x}-{R.randrange(10**9)}",
    "empty": lambda i: "" if i % 2 else R.choice(WORDS) * (i % 5),
    "lists": lambda i: [R.choice(WORDS) + str(i) for _ in range(i % 4)],
    "random": lambda i: R.randbytes(R.randrange(20)),
    "long": lambda i: R.choice(WORDS) * 60,
}
TYPES = {"lists": [pa.list_(pa.string()), pa.list_(pa.large_string())], "random": [pa.binary(), pa.large_binary()]}


@pytest.mark.parametrize("minor", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_strings(tmp_path, kind, minor):
    values = [KINDS[kind](i) for i in range(ROWS)]
    for kind_type in TYPES.get(kind, [pa.string(), pa.large_string()]):
        uri, lib = str(tmp_path / f"{kind_type}.lance"), Library()
        table = pa.table({"v": pa.array(values, kind_type)})
        lib.write(uri, table, CREATE, file_minor=minor)
        assert lib.scan(uri).equals(table)
        assert lance.dataset(uri).to_table().equals(table)
        some = [R.randrange(ROWS) for _ in range(50)]
        assert lance.dataset(uri).take(some).equals(table.take(some))
        assert lib.take(uri, some)["v"].to_pylist() == [values[i] for i in some]
        tool = os.path.join(os.environ["OG_BUILD_DIR"], "bin", "omnigraph")
        inspected = json.loads(subprocess.run([tool, "lance", "inspect", uri], check=True, capture_output=True).stdout)
        pages = inspected["fragments"][0]["files"][0]["columns"][-1]["pages"]
        assert all(("fsst" in p["encoding"]) == (kind != "random") for p in pages), pages
