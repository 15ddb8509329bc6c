# SPDX-License-Identifier: MIT
"""Packed structs of real Lance, of numbers and of rows that have no fixed size: read as they were written."""
import random

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, CREATE, Failed, Library

SHAPES = {
    "numbers": [("a", pa.int32()), ("b", pa.float64()), ("c", pa.uint8())],
    "strings": [("a", pa.int32()), ("s", pa.string()), ("b", pa.int16()), ("t", pa.large_string()), ("u", pa.binary())],
    "vectors": [("a", pa.int64()), ("v", pa.list_(pa.float32(), 4))],
    "all": [("s", pa.string()), ("v", pa.list_(pa.int16(), 3)), ("n", pa.uint64()), ("d", pa.date32())],
}


def value(r, kind):
    if pa.types.is_fixed_size_list(kind):
        return [value(r, kind.value_type) for _ in range(kind.list_size)]
    if pa.types.is_floating(kind):
        return r.randrange(-999, 999) / 8
    if pa.types.is_date32(kind) or pa.types.is_unsigned_integer(kind):
        return r.randrange(200)
    if pa.types.is_integer(kind):
        return r.randrange(-100, 100)
    text = "".join(r.choices("abé", k=r.choice([0, 1, 7, 300])))
    return text.encode() if pa.types.is_binary(kind) else text


def rows(r, fields, n, nulls):
    return [None if r.random() < nulls else {name: value(r, kind) for name, kind in fields} for _ in range(n)]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("nulls", [0, 0.3])
def test_packed_structs_of_real_lance(tmp_path, name, nulls):
    r, lib, uri = random.Random(name), Library(), str(tmp_path / "t.lance")
    kind = pa.struct(SHAPES[name])
    field = pa.field("p", kind, metadata={"lance-encoding:packed": "true"})
    table = pa.table([pa.array(rows(r, SHAPES[name], 3000, nulls), kind)], schema=pa.schema([field]))
    try:
        lance.write_dataset(table, uri, data_storage_version="2.2")
        theirs = lance.dataset(uri).to_table()
    except BaseException as e:  # a panic is no Exception
        if "not yet supported" in str(e) or "Panic" in type(e).__name__:
            pytest.skip(f"this Lance cannot do it itself: {str(e)[:80]}")
        raise
    got = lib.scan(uri)
    assert got["p"].to_pylist() == theirs["p"].to_pylist() == table["p"].to_pylist()
    places = [r.randrange(3000) for _ in range(50)]
    assert lib.take(uri, places)["p"].to_pylist() == [table["p"][i].as_py() for i in places]


def test_what_is_not_written(tmp_path):
    field = pa.field("p", pa.struct(SHAPES["strings"]), metadata={"lance-encoding:packed": "true"})
    with pytest.raises(Failed, match="packed struct with more than numbers in it, and is only read"):
        Library().write(str(tmp_path / "t.lance"), pa.table([pa.array([None], field.type)], schema=pa.schema([field])), CREATE)


def test_file_version_2_3_of_another_lance_is_refused_by_name(tmp_path):
    """Lance says that 2.3 is unstable, and means it: 10 and 14 cannot read each other's."""
    lib, uri = Library(), str(tmp_path / "t.lance")
    lance.write_dataset(pa.table({"a": list(range(100))}), uri, data_storage_version="2.3")
    if int(lance.__version__.split(".")[0]) < 14:
        assert lib.scan(uri)["a"].to_pylist() == list(range(100))
    else:
        with pytest.raises(OSError, match="a page described by \"/lance.encodings23.PlanarLayout\""):
            lib.scan(uri)
    with pytest.raises(Failed, match="is kept in file version 2.3; 2.1 and 2.2 are written"):
        lib.write(uri, pa.table({"a": [1]}), APPEND)
