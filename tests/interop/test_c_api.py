# SPDX-License-Identifier: MIT
"""The C API as another language's runtime meets it: called through ctypes, its answers taken over by pyarrow.

Needs pyarrow and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph.so.
"""
import ctypes
import datetime
import gc
import os
import pathlib

import pyarrow as pa
import pytest

SCHEMA = b"""
node Thing {
  name: String @key
  small: I32?
  big: I64?
  ratio: F64?
  flag: Bool?
  day: Date?
  at: DateTime?
  tags: [String]?
  spot: Vector(3)?
}
"""
DATA = b"""
{"type":"Thing","data":{"name":"a","small":-1,"big":9007199254740993,"ratio":0.1,"flag":true,"day":"2024-02-29",\
"at":"2024-02-29T12:30:00Z","tags":["x","","y"],"spot":[1,2.5,-3]}}
{"type":"Thing","data":{"name":"b","tags":[]}}
"""
QUERY = b"""query all() {
  match { $t: Thing }
  return { $t.name as name, $t.small as small, $t.big as big, $t.ratio as ratio, $t.flag as flag, $t.day as day,
           $t.at as at, $t.tags as tags, $t.spot as spot }
  order { $t.name }
}"""


@pytest.fixture(scope="module")
def lib():
    folder = os.environ.get("OG_BUILD_DIR")
    if not folder:
        pytest.skip("OG_BUILD_DIR is not set")
    lib = ctypes.CDLL(str(pathlib.Path(folder) / "lib" / "libomnigraph.so"))
    lib.og_status_name.restype = ctypes.c_char_p
    for name in ("og_session_close", "og_result_free"):
        getattr(lib, name).argtypes = [ctypes.c_void_p]
        getattr(lib, name).restype = None
    return lib


def call(lib, name, *args):
    """Calls a function whose last parameter is the error; only the status is looked at here."""
    status = getattr(lib, name)(*args, None)
    assert status == 0, f"{name}: {lib.og_status_name(status)}"


def things(lib, folder):
    session, result = ctypes.c_void_p(), ctypes.c_void_p()
    call(lib, "og_session_create", str(folder / "things.omni").encode(), SCHEMA, None, ctypes.byref(session))
    call(lib, "og_session_load_bytes", session, DATA, ctypes.c_size_t(len(DATA)), None, None)
    call(lib, "og_session_query", session, QUERY, None, ctypes.byref(result))
    return session, result


def reader(lib, result):
    stream = ctypes.create_string_buffer(40)  # struct ArrowArrayStream: five pointers
    call(lib, "og_result_stream", result, stream)
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))


def test_pyarrow_reads_an_answer(lib, tmp_path):
    session, result = things(lib, tmp_path)
    table = reader(lib, result).read_all()
    lib.og_result_free(result)
    lib.og_session_close(session)
    table.validate(full=True)
    assert table.schema.names == ["name", "small", "big", "ratio", "flag", "day", "at", "tags", "spot"]
    assert table.schema.types == [
        pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("ms", tz="UTC"),
        pa.list_(pa.field("item", pa.string())), pa.list_(pa.field("item", pa.float32()), 3)]
    assert not table.schema.field("name").nullable and table.schema.field("small").nullable
    noon = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
    assert table.to_pylist() == [
        {"name": "a", "small": -1, "big": 9007199254740993, "ratio": 0.1, "flag": True,
         "day": datetime.date(2024, 2, 29), "at": noon, "tags": ["x", "", "y"], "spot": [1.0, 2.5, -3.0]},
        {"name": "b", "small": None, "big": None, "ratio": None, "flag": None, "day": None, "at": None,
         "tags": [], "spot": None}]


def test_a_column_outlives_everything_it_came_from(lib, tmp_path):
    session, result = things(lib, tmp_path)
    stream = reader(lib, result)
    batch = stream.read_next_batch()
    with pytest.raises(StopIteration):
        stream.read_next_batch()
    lib.og_session_close(session)
    lib.og_result_free(result)
    name = batch.column("name")
    del batch, stream
    gc.collect()
    assert name.to_pylist() == ["a", "b"]


class Value(ctypes.Structure):
    """og_value: which kind, and eight bytes or a list."""

    class As(ctypes.Union):
        _fields_ = [("integer", ctypes.c_int64), ("number", ctypes.c_double), ("text", ctypes.c_char_p),
                    ("list", ctypes.c_void_p * 2)]

    _fields_ = [("kind", ctypes.c_int), ("value", As)]


INT, TEXT, NULL = 1, 4, 7


def test_a_statement_runs_again_and_again(lib, tmp_path):
    lib.og_statement_free.argtypes = lib.og_cursor_free.argtypes = lib.og_cursor_next.argtypes = [ctypes.c_void_p]
    lib.og_cursor_next.restype = ctypes.c_bool
    session, result = things(lib, tmp_path)
    lib.og_result_free(result)
    text = b"""query one($name: String) {
      match { $t: Thing { name: $name } } return { $t.name as name, $t.big as big, $t.tags as tags } }"""
    statement = ctypes.c_void_p()
    call(lib, "og_session_prepare", session, text, None, ctypes.byref(statement))
    seen = []
    for name in (b"a", b"b", b"nobody", b"a"):
        call(lib, "og_statement_bind", statement, b"name", ctypes.byref(Value(TEXT, Value.As(text=name))))
        cursor, v = ctypes.c_void_p(), Value()
        call(lib, "og_statement_open", statement, None, ctypes.byref(cursor))
        while lib.og_cursor_next(cursor):
            call(lib, "og_cursor_get", cursor, ctypes.c_size_t(1), ctypes.byref(v))
            seen.append((name, v.kind, v.value.integer if v.kind == INT else None))
        lib.og_cursor_free(cursor)
    assert seen == [(b"a", INT, 9007199254740993), (b"b", NULL, None), (b"a", INT, 9007199254740993)]
    stream = ctypes.create_string_buffer(40)
    call(lib, "og_statement_stream", statement, None, stream)
    lib.og_statement_free(statement)
    lib.og_session_close(session)
    table = pa.RecordBatchReader._import_from_c(ctypes.addressof(stream)).read_all()
    assert table.to_pylist() == [{"name": "a", "big": 9007199254740993, "tags": ["x", "", "y"]}]
