# SPDX-License-Identifier: MIT
"""omnigraph/lance.h through ctypes, for the tests beside this file.

OG_BUILD_DIR is a build folder with lib/libomnigraph-lance.so.
"""
import ctypes as C
import os
import pathlib

import pyarrow as pa

EQ, NE, LT, LE, GT, GE, IS_NULL, IS_NOT_NULL = range(8)
CREATE, APPEND, OVERWRITE = range(3)


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("line", C.c_int), ("file", C.c_char_p), ("text", C.c_char * 2000),
                ("detail", C.c_char * 2048)]


class As(C.Union):
    _fields_ = [("boolean", C.c_bool), ("integer", C.c_int64), ("unsigned", C.c_uint64), ("number", C.c_double),
                ("text", C.c_char_p)]


class Value(C.Structure):
    _fields_ = [("kind", C.c_int), ("value", As)]


class Condition(C.Structure):
    _fields_ = [("column", C.c_char_p), ("compare", C.c_int), ("value", Value)]


class DatasetOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("branch", C.c_char_p), ("version", C.c_uint64), ("memory_limit", C.c_uint64),
                ("threads", C.c_uint), ("timeout_ms", C.c_uint64), ("cancel", C.c_void_p)]


class ScanOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("columns", C.POINTER(C.c_char_p)), ("where", C.POINTER(Condition)),
                ("where_count", C.c_size_t), ("row_id", C.c_bool), ("row_offset", C.c_bool), ("created", C.c_bool),
                ("updated", C.c_bool), ("limit", C.c_uint64), ("batch_rows", C.c_uint32), ("timeout_ms", C.c_uint64),
                ("cancel", C.c_void_p)]


class WriteOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("mode", C.c_int), ("branch", C.c_char_p), ("file_minor", C.c_uint),
                ("memory_limit", C.c_uint64), ("timeout_ms", C.c_uint64), ("cancel", C.c_void_p)]


Stream = C.c_void_p * 5


class Failed(Exception):
    pass


class Library:
    def __init__(self):
        self.lib = C.CDLL(str(pathlib.Path(os.environ["OG_BUILD_DIR"]) / "lib" / "libomnigraph-lance.so"))
        self.lib.og_dataset_row_count.restype = C.c_uint64
        self.lib.og_dataset_close.restype = None

    def call(self, name, *args):
        err = Error()
        if getattr(self.lib, name)(*args, C.byref(err)):
            raise Failed(err.text.decode())

    def options(self, kind, init, **members):
        o = kind()
        getattr(self.lib, init)(C.byref(o))
        assert o.size == C.sizeof(kind)
        for name, value in members.items():
            setattr(o, name, value)
        return o

    def open(self, uri, **members):
        d = C.c_void_p()
        self.call("og_dataset_open", str(uri).encode(),
                  C.byref(self.options(DatasetOpts, "og_dataset_opts_init", **members)), C.byref(d))
        return d

    def conditions(self, where):
        return (Condition * max(len(where), 1))(*[condition(*w) for w in where])

    def scan(self, uri, where=(), columns=None, **members):
        d = self.open(uri)
        o = self.options(ScanOpts, "og_scan_opts_init", **members)
        if where:
            o.where, o.where_count = self.conditions(where), len(where)
        if columns is not None:
            o.columns = (C.c_char_p * (len(columns) + 1))(*[c.encode() for c in columns], None)
        stream = Stream()
        try:
            self.call("og_dataset_scan", d, C.byref(o), C.byref(stream))
        finally:
            self.lib.og_dataset_close(d)
        return pa.RecordBatchReader._import_from_c(C.addressof(stream)).read_all()

    def count(self, uri, where):
        d = self.open(uri)
        o = self.options(ScanOpts, "og_scan_opts_init", where=self.conditions(where), where_count=len(where))
        n = C.c_uint64()
        try:
            self.call("og_dataset_count", d, C.byref(o), C.byref(n))
        finally:
            self.lib.og_dataset_close(d)
        return n.value

    def take(self, uri, rows):
        d = self.open(uri)
        stream = Stream()
        try:
            self.call("og_dataset_take", d, (C.c_uint64 * len(rows))(*rows), C.c_size_t(len(rows)), None,
                      C.byref(stream))
        finally:
            self.lib.og_dataset_close(d)
        return pa.RecordBatchReader._import_from_c(C.addressof(stream)).read_all()

    def write(self, uri, table, mode, **members):
        stream = Stream()
        table.to_reader(max_chunksize=97)._export_to_c(C.addressof(stream))
        version = C.c_uint64()
        self.call("og_dataset_write", str(uri).encode(), C.byref(stream),
                  C.byref(self.options(WriteOpts, "og_write_opts_init", mode=mode, **members)), C.byref(version))
        return version.value

    def delete(self, uri, where):
        n = C.c_uint64()
        self.call("og_dataset_delete", str(uri).encode(), self.conditions(where), C.c_size_t(len(where)), None,
                  C.byref(n))
        return n.value


def condition(column, compare, value=None):
    c = Condition(column.encode(), compare, Value())
    if isinstance(value, bool):
        c.value.kind, c.value.value.boolean = 0, value
    elif isinstance(value, int) and value >= 2**63:
        c.value.kind, c.value.value.unsigned = 2, value
    elif isinstance(value, int):
        c.value.kind, c.value.value.integer = 1, value
    elif isinstance(value, float):
        c.value.kind, c.value.value.number = 3, value
    elif isinstance(value, str):
        c.value.kind, c.value.value.text = 4, value.encode()
    return c
