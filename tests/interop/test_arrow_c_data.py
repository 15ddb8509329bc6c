# SPDX-License-Identifier: MIT
"""The Arrow C data interface against pyarrow, both ways.

Needs pyarrow and pytest, and OG_BUILD_DIR: a build folder in which the target og_arrow_interop was built.
"""
import ctypes
import gc
import os
import pathlib
import struct

import pyarrow as pa
import pytest

SCHEMA_BYTES, ARRAY_BYTES = 72, 80


def load():
    folder = os.environ.get("OG_BUILD_DIR")
    if not folder:
        pytest.skip("OG_BUILD_DIR is not set")
    name = "libog_arrow_interop.so"
    lib = ctypes.CDLL(str(pathlib.Path(folder) / "lib" / name))
    lib.og_interop_bytes_in_use.restype = ctypes.c_uint64
    return lib


@pytest.fixture
def lib():
    """The library; what a test made it allocate is freed afterwards."""
    lib = load()
    before = lib.og_interop_bytes_in_use()
    yield lib
    gc.collect()
    assert lib.og_interop_bytes_in_use() == before


class Refused(Exception):
    pass


class Pair:
    """Room for one ArrowSchema and one ArrowArray."""

    def __init__(self):
        self.schema = ctypes.create_string_buffer(SCHEMA_BYTES)
        self.array = ctypes.create_string_buffer(ARRAY_BYTES)

    @property
    def addresses(self):
        return ctypes.addressof(self.array), ctypes.addressof(self.schema)


def call(function, *arguments):
    error = ctypes.c_char_p()
    if function(*arguments, ctypes.byref(error)) != 0:
        raise Refused(error.value.decode())


def export(batch):
    pair = Pair()
    batch._export_to_c(*pair.addresses)
    return pair


def round_trip(lib, batch):
    there, back = export(batch), Pair()
    call(lib.og_interop_round_trip, there.schema, there.array, back.schema, back.array)
    return pa.RecordBatch._import_from_c(*back.addresses)


def describe(lib, batch):
    there, text = export(batch), ctypes.c_char_p()
    call(lib.og_interop_describe, there.schema, there.array, ctypes.byref(text))
    return text.value.decode()


def one(array, **kinds):
    return pa.record_batch([array], schema=pa.schema([pa.field("x", array.type, **kinds)]))


MEMBERS = pa.struct([pa.field("a", pa.int32()), pa.field("b", pa.large_string()),
                     pa.field("c", pa.list_(pa.int8()))])
ROWS = [{"a": 1, "b": "eins", "c": [1, None]}, None, {"a": None, "b": None, "c": []},
        {"a": 4, "b": "", "c": None}, {"a": 5, "b": "fünf", "c": [5] * 9}]

CASES = {
    "null": pa.nulls(5),
    "bool": pa.array([True, None, False, True, True]),
    "int8": pa.array([-128, None, 0, 127, 1], pa.int8()),
    "int16": pa.array([-32768, None, 0, 32767, 1], pa.int16()),
    "int32": pa.array([-2**31, None, 0, 2**31 - 1, 1], pa.int32()),
    "int64": pa.array([-2**63, None, 0, 2**63 - 1, 1], pa.int64()),
    "uint8": pa.array([255, None, 0, 1, 2], pa.uint8()),
    "uint16": pa.array([65535, None, 0, 1, 2], pa.uint16()),
    "uint32": pa.array([2**32 - 1, None, 0, 1, 2], pa.uint32()),
    "uint64": pa.array([2**64 - 1, None, 0, 1, 2], pa.uint64()),
    "float16": pa.array([0x7BFF, None, 0, 0x8001, 0x7E00], pa.uint16()).view(pa.float16()),
    "float32": pa.array([1.5, None, -0.0, float("inf"), float("nan")], pa.float32()),
    "float64": pa.array([1.1, None, -0.0, float("-inf"), float("nan")], pa.float64()),
    "string": pa.array(["", None, "zwölf", "a\0b", "x" * 300], pa.string()),
    "large_string": pa.array(["", None, "zwölf", "a\0b", "x" * 300], pa.large_string()),
    "binary": pa.array([b"", None, b"\xff\x00", b"abc", b"x" * 300], pa.binary()),
    "large_binary": pa.array([b"", None, b"\xff\x00", b"abc", b"x" * 300], pa.large_binary()),
    "date32": pa.array([-719162, None, 0, 1, 2932896], pa.int32()).view(pa.date32()),
    "date64": pa.array([-86400000, None, 0, 86400000, 5 * 86400000], pa.int64()).view(pa.date64()),
    **{f"timestamp[{unit}{zone and ', ' + zone}]":
       pa.array([-1, None, 0, 1, 2**40], pa.int64()).view(pa.timestamp(unit, zone or None))
       for unit in ("s", "ms", "us", "ns") for zone in ("", "UTC")},
    **{f"time32[{unit}]": pa.array([0, None, 1, 2, 86399], pa.int32()).view(pa.time32(unit)) for unit in ("s", "ms")},
    **{f"time64[{unit}]": pa.array([0, None, 1, 2, 86399], pa.int64()).view(pa.time64(unit)) for unit in ("us", "ns")},
    **{f"duration[{unit}]": pa.array([-1, None, 0, 1, 2**40], pa.int64()).view(pa.duration(unit))
       for unit in ("s", "ms", "us", "ns")},
    "list": pa.array([[1, None], None, [], [3], [4, 5, 6]], pa.list_(pa.int64())),
    "large_list": pa.array([["a", None], None, [], ["c"], ["d", "é"]], pa.large_list(pa.string())),
    "list_of_lists": pa.array([[[1], None], None, [], [[]], [[4, 5], [6]]],
                              pa.list_(pa.list_(pa.int16()))),
    "fixed_size_list": pa.array([[1, 2], None, [3, None], [4, 5], [6, 7]], pa.list_(pa.float32(), 2)),
    "vectors_of_strings": pa.array([["a", "b"], None, ["", None], ["c", "d"], ["é", "f"]],
                                   pa.list_(pa.string(), 2)),
    "struct": pa.array(ROWS, MEMBERS),
    "list_of_structs": pa.array([ROWS, None, [], ROWS[1:2], ROWS[3:]], pa.list_(MEMBERS)),
}


@pytest.fixture(params=CASES, ids=str)
def array(request):
    return CASES[request.param]


def same(a, b):
    """Equal with NaN equal to NaN: compared as what C would see."""
    assert a.schema.equals(b.schema, check_metadata=True)
    assert a.num_rows == b.num_rows
    b.validate(full=True)
    for x, y in zip(a.columns, b.columns):
        assert x.null_count == y.null_count
        assert text_of(x) == text_of(y)


def text_of(array):
    return "[" + " ".join(value_text(array, i) for i in range(len(array))) + "]"


def bits_of(array):
    width = {pa.float16(): "H", pa.float32(): "I", pa.float64(): "Q"}[array.type]
    raw = array.buffers()[1].to_pybytes()
    size = struct.calcsize(width)
    at = array.offset * size
    return str(struct.unpack_from("<" + width, raw, at)[0])


def value_text(array, i):
    """What the library is expected to see, from pyarrow's own accessors."""
    kind, value = array.type, array[i]
    if not value.is_valid:
        return "null"
    if pa.types.is_boolean(kind):
        return "t" if value.as_py() else "f"
    if pa.types.is_floating(kind):
        return bits_of(array.slice(i, 1))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "x" + value.as_py().encode().hex()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "x" + value.as_py().hex()
    if pa.types.is_struct(kind):
        return "{" + " ".join(value_text(member, i) for member in
                              (array.field(k) for k in range(kind.num_fields))) + "}"
    if pa.types.is_nested(kind):
        return text_of(value.values)
    return str(value.value if pa.types.is_temporal(kind) else value.as_py())


NAMES = {pa.float16(): "float16", pa.float32(): "float32", pa.float64(): "float64",
         pa.date32(): "date32", pa.date64(): "date64"}


def type_name(kind):
    if kind in NAMES:
        return NAMES[kind]
    if pa.types.is_timestamp(kind):
        return f"timestamp[{kind.unit}{', UTC' if kind.tz else ''}]"
    for name, test in {"list": pa.types.is_list, "large_list": pa.types.is_large_list,
                       "struct": pa.types.is_struct,
                       "fixed_size_list": pa.types.is_fixed_size_list}.items():
        if test(kind):
            return name
    return str(kind)


def expected(batch):
    return "".join(f"{type_name(c.type)} {c.null_count} {text_of(c)}\n" for c in batch.columns)


def test_values_survive_both_ways(lib, array):
    batch = one(array)
    same(batch, round_trip(lib, batch))


def test_the_library_sees_the_values_pyarrow_sees(lib, array):
    batch = one(array)
    assert describe(lib, batch) == expected(batch)


def test_arrays_with_offsets(lib, array):
    for start, length in ((1, 3), (2, 3), (0, 4), (4, 1), (1, 0)):
        piece = one(array.slice(start, length))
        same(piece, round_trip(lib, piece))
        assert describe(lib, piece) == expected(piece)


def test_offsets_beyond_a_byte_of_bits(lib, array):
    long = pa.concat_arrays([array] * 20)
    for start, length in ((8, 64), (13, 70), (63, 33), (99, 1)):
        piece = one(long.slice(start, length))
        same(piece, round_trip(lib, piece))


def test_offsets_of_the_batch_itself(lib, array):
    whole = pa.record_batch([array, pa.array(range(5))], names=["x", "y"])
    same(whole.slice(2, 2), round_trip(lib, whole.slice(2, 2)))


def test_structs_and_vectors_over_sliced_children(lib):
    child = CASES["string"].slice(1, 4)
    outer = pa.StructArray.from_arrays([child], names=["s"], mask=pa.array([False, True, False, False]))
    vectors = pa.FixedSizeListArray.from_arrays(child, 2)
    for array in (outer, outer.slice(1, 2), vectors, vectors.slice(1)):
        same(one(array), round_trip(lib, one(array)))


def test_empty_arrays(lib, array):
    empty = one(pa.array([], array.type))
    assert round_trip(lib, empty).num_rows == 0
    same(empty, round_trip(lib, empty))


def test_arrays_without_nulls_get_no_bitmap(lib):
    back = round_trip(lib, one(CASES["int64"].drop_null()))
    assert back.column(0).buffers()[0] is None


def test_values_hidden_below_nulls_do_not_come_along(lib):
    offsets = pa.array([0, 2, 4, 5], pa.int32())
    text = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(b"\x05"), offsets.buffers()[1],
                                                  pa.py_buffer(b"ab\xff\xfee")])
    assert text.to_pylist() == ["ab", None, "e"]
    back = round_trip(lib, one(text))
    assert back.column(0).buffers()[2].to_pybytes()[:3] == b"abe"
    lists = pa.ListArray.from_arrays(offsets, pa.array([1, 2, 3, 4, 5]),
                                     mask=pa.array([False, True, False]))
    back = round_trip(lib, one(lists))
    assert back.column(0).to_pylist() == [[1, 2], None, [5]]
    assert back.column(0).values.to_pylist() == [1, 2, 5]
    numbers = pa.Array.from_buffers(pa.int32(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\7\0\0\0\7\0\0\0")])
    assert round_trip(lib, one(numbers)).column(0).buffers()[1].to_pybytes()[:8] == b"\7" + b"\0" * 7


def test_schemas_keep_names_nullability_and_metadata(lib):
    schema = pa.schema([
        pa.field("größe", pa.int32(), nullable=False, metadata={"k": "v", "": "", "ü": "\x01"}),
        pa.field("", pa.list_(pa.field("element", pa.string(), nullable=False)), metadata={"a": "b"}),
    ], metadata={"schema": "meta"})
    batch = pa.record_batch([pa.array([1], pa.int32()), pa.array([["x"]], schema.field(1).type)],
                            schema=schema)
    back = round_trip(lib, batch)
    assert back.schema.equals(schema, check_metadata=True)
    assert back.schema.field(0).metadata == schema.field(0).metadata


def test_children_outlive_their_parent(lib):
    column = round_trip(lib, one(CASES["struct"])).column(0).field(1)
    assert column.to_pylist()[2:] == [None, "", "fünf"]
    del column


@pytest.mark.parametrize("array, name", [
    (pa.array([1], pa.decimal128(5, 2)), "d:5,2"),
    (pa.array(["a", "a"]).dictionary_encode(), "dictionary"),
    (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "tin"),
    (pa.array([0], pa.timestamp("s", "Europe/Berlin")), "Europe/Berlin"),
    (pa.array(["a"], pa.string_view()), "vu"),
    (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), "+m"),
    (pa.array([b"ab"], pa.binary(2)), "w:2"),
    (pa.array([[]], pa.list_(pa.int8(), 0)), "0"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_other_types_are_refused_by_name(lib, array, name):
    with pytest.raises(Refused, match="'x'") as refusal:
        round_trip(lib, one(array))
    assert name in str(refusal.value)


def test_types_nested_too_deep_are_refused(lib):
    kind = pa.int8()
    for _ in range(40):
        kind = pa.list_(kind)
    with pytest.raises(Refused, match="nested deeper"):
        round_trip(lib, one(pa.array([None], kind)))


def test_a_schema_must_be_a_struct(lib):
    pair = Pair()
    pa.field("x", pa.int8())._export_to_c(ctypes.addressof(pair.schema))
    with pytest.raises(Refused, match="must be a struct"):
        call(lib.og_interop_import_schema, pair.schema)


def test_broken_text_is_refused(lib):
    text = pa.array([b"ok", b"\xff"], pa.binary()).view(pa.string())
    with pytest.raises(Refused, match="row 1 is not UTF-8"):
        round_trip(lib, one(text))


def test_nulls_in_a_field_that_has_none_are_refused(lib):
    with pytest.raises(Refused, match="not nullable"):
        round_trip(lib, one(CASES["int64"], nullable=False))


@pytest.mark.parametrize("offsets", [[0, 3, 1], [0, -5, 2]])
def test_falling_offsets_are_refused(lib, offsets):
    buffer = pa.array(offsets, pa.int32()).buffers()[1]
    text = pa.Array.from_buffers(pa.string(), 2, [None, buffer, pa.py_buffer(b"abc")])
    with pytest.raises(Refused, match="falling offsets"):
        round_trip(lib, one(text))
