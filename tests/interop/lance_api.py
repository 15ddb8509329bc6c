# SPDX-License-Identifier: MIT
"""omnigraph/lance.h through ctypes, for the tests beside this file.

OG_BUILD_DIR is a build folder with lib/libomnigraph-lance.so.
"""
import ctypes as C
import os
import pathlib

import pyarrow as pa

BTREE, BITMAP, LABEL_LIST, NGRAM = range(4)
UPDATE, KEEP, FAIL = range(3)
EQ, NE, LT, LE, GT, GE, IS_NULL, IS_NOT_NULL, CONTAINS, HAS, IN = range(11)
CREATE, APPEND, OVERWRITE = range(3)


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("line", C.c_int), ("file", C.c_char_p), ("text", C.c_char * 2000),
                ("detail", C.c_char * 2048)]


class ValueList(C.Structure):
    _fields_ = [("values", C.c_void_p), ("count", C.c_size_t)]


class As(C.Union):
    _fields_ = [("list", ValueList), ("boolean", C.c_bool), ("integer", C.c_int64), ("unsigned", C.c_uint64), ("number", C.c_double),
                ("text", C.c_char_p)]


class Value(C.Structure):
    _fields_ = [("kind", C.c_int), ("value", As)]


class Condition(C.Structure):
    _fields_ = [("column", C.c_char_p), ("compare", C.c_int), ("value", Value)]


class DatasetOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("branch", C.c_char_p), ("version", C.c_uint64), ("memory_limit", C.c_uint64),
                ("threads", C.c_uint), ("timeout_ms", C.c_uint64), ("cancel", C.c_void_p),
                ("blob_folders", C.POINTER(C.c_char_p))]


class Order(C.Structure):
    _fields_ = [("column", C.c_char_p), ("descending", C.c_bool)]


class ScanOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("columns", C.POINTER(C.c_char_p)), ("where", C.POINTER(Condition)),
                ("where_count", C.c_size_t), ("row_id", C.c_bool), ("row_offset", C.c_bool), ("created", C.c_bool),
                ("updated", C.c_bool), ("limit", C.c_uint64), ("batch_rows", C.c_uint32), ("timeout_ms", C.c_uint64),
                ("cancel", C.c_void_p), ("order_by", C.POINTER(Order)), ("order_count", C.c_size_t)]


class WriteOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("mode", C.c_int), ("branch", C.c_char_p), ("file_minor", C.c_uint), ("threads", C.c_uint),
                ("memory_limit", C.c_uint64), ("timeout_ms", C.c_uint64), ("cancel", C.c_void_p), ("no_row_ids", C.c_bool),
                ("blob_folders", C.POINTER(C.c_char_p))]


class Assignment(C.Structure):
    _fields_ = [("column", C.c_char_p), ("value", C.POINTER(Value))]


class MergeOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("on", C.POINTER(C.c_char_p)), ("matched", C.c_int), ("skip_new", C.c_bool),
                ("delete_others", C.c_bool)]


class MergeCounts(C.Structure):
    _fields_ = [("inserted", C.c_uint64), ("updated", C.c_uint64), ("deleted", C.c_uint64)]


class CompactCounts(C.Structure):
    _fields_ = [("taken", C.c_uint64), ("made", C.c_uint64)]


class CleanupOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("keep", C.c_uint64), ("older_than_s", C.c_uint64), ("orphans_s", C.c_uint64),
                ("dry", C.c_bool)]


class CleanupCounts(C.Structure):
    _fields_ = [("versions", C.c_uint64), ("files", C.c_uint64), ("bytes", C.c_uint64)]


class VersionInfo(C.Structure):
    _fields_ = [("version", C.c_uint64), ("timestamp_us", C.c_int64)]


class Ref(C.Structure):
    """A tag (name, branch, version) or a branch (name, parent, version)."""
    _fields_ = [("name", C.c_char_p), ("of", C.c_char_p), ("version", C.c_uint64)]


Stream = C.c_void_p * 5


class Failed(Exception):
    pass


class Library:
    def __init__(self):
        self.lib = C.CDLL(str(pathlib.Path(os.environ["OG_BUILD_DIR"]) / "lib" / "libomnigraph-lance.so"))
        self.lib.og_dataset_row_count.restype = C.c_uint64
        self.lib.og_dataset_close.restype = self.lib.og_dataset_writer_close.restype = None
        self.lib.og_blob_close.restype, self.lib.og_blob_size.restype = None, C.c_uint64

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
        made = [condition(*w) for w in where]
        array = (Condition * max(len(where), 1))(*made)
        array.made = made  # what they point to
        return array

    def folders(self, folders):
        return self.names([str(f) for f in folders]) if folders else None

    def reader(self, uri, where=(), columns=None, branch=None, version=0, blob_folders=(), order=(), open_with={}, **members):
        d = self.open(uri, **open_with, branch=branch and branch.encode(), version=version, blob_folders=self.folders(blob_folders))
        o = self.options(ScanOpts, "og_scan_opts_init", **members)
        if where:
            o.where, o.where_count = self.conditions(where), len(where)
        if order:
            o.order_by = (Order * len(order))(*[Order(name.encode(), down) for name, down in order])
            o.order_count = len(order)
        if columns is not None:
            o.columns = (C.c_char_p * (len(columns) + 1))(*[c.encode() for c in columns], None)
        stream = Stream()
        try:
            self.call("og_dataset_scan", d, C.byref(o), C.byref(stream))
        finally:
            self.lib.og_dataset_close(d)
        return pa.RecordBatchReader._import_from_c(C.addressof(stream))

    def scan(self, *args, **members):
        return self.reader(*args, **members).read_all()

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

    def write(self, uri, table, mode, blob_folders=(), **members):
        members["blob_folders"] = self.folders(blob_folders)
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

    def names(self, names):
        return (C.c_char_p * (len(names) + 1))(*[n.encode() for n in names], None)

    def change(self, name, uri, *args):
        """A function that writes and says which version it made."""
        version = C.c_uint64()
        self.call(name, str(uri).encode(), *args, None, C.byref(version))
        return version.value

    def stream(self, table, chunk=97):
        stream = Stream()
        table.to_reader(max_chunksize=chunk)._export_to_c(C.addressof(stream))
        return stream

    def update(self, uri, where, values):
        n = C.c_uint64()
        made = [condition("", EQ, v).value for v in values.values()]
        sets = (Assignment * len(made))(*[
            Assignment(name.encode(), None if v is None else C.pointer(m)) for (name, v), m in zip(values.items(), made)])
        self.call("og_dataset_update", str(uri).encode(), self.conditions(where), C.c_size_t(len(where)), sets,
                  C.c_size_t(len(made)), None, C.byref(n))
        return n.value

    def merge(self, uri, table, on, **members):
        counts = MergeCounts()
        self.call("og_dataset_merge", str(uri).encode(), C.byref(self.stream(table)),
                  C.byref(self.options(MergeOpts, "og_merge_opts_init", on=self.names(on), **members)), None,
                  C.byref(counts))
        return counts.inserted, counts.updated, counts.deleted

    def add_columns(self, uri, values, of=0):
        return self.change("og_dataset_add_columns", uri, C.byref(self.stream(values)), C.c_uint64(of))

    def add_null_columns(self, uri, schema):
        given = (C.c_void_p * 9)()
        schema._export_to_c(C.addressof(given))
        return self.change("og_dataset_add_null_columns", uri, C.byref(given))

    def drop_columns(self, uri, columns):
        return self.change("og_dataset_drop_columns", uri, self.names(columns))

    def rename_column(self, uri, column, name):
        return self.change("og_dataset_rename_column", uri, column.encode(), name.encode())

    def restore(self, uri, version):
        return self.change("og_dataset_restore", uri, C.c_uint64(version))

    def compact(self, uri):
        counts = CompactCounts()
        self.call("og_dataset_compact", str(uri).encode(), None, C.byref(counts))
        return counts.taken, counts.made

    def index_create(self, uri, column, kind=BTREE, name=None):
        self.call("og_dataset_index_create", str(uri).encode(), column.encode(), C.c_int(kind),
                  name and name.encode(), None)

    def index_update(self, uri, name=None, all_parts=False):
        self.call("og_dataset_index_update", str(uri).encode(), name and name.encode(), C.c_bool(all_parts), None)

    def index_drop(self, uri, name):
        self.call("og_dataset_index_drop", str(uri).encode(), name.encode(), None)

    def listed(self, name, uri, kind, *args):
        class List(C.Structure):
            _fields_ = [("items", C.POINTER(kind)), ("count", C.c_size_t)]
        out = C.POINTER(List)()
        self.call(f"og_dataset_list_{name}", str(uri).encode(), *args, C.byref(out))
        got = [tuple(getattr(out[0].items[i], f[0]) for f in kind._fields_) for i in range(out[0].count)]
        free = getattr(self.lib, f"og_dataset_{name}_free")
        free.restype = None
        free(out)
        return got

    def versions(self, uri, **members):
        o = C.byref(self.options(DatasetOpts, "og_dataset_opts_init", **members))
        return [v for v, _ in self.listed("versions", uri, VersionInfo, o)]

    def tags(self, uri):
        return [(n.decode(), b.decode(), v) for n, b, v in self.listed("tags", uri, Ref)]

    def branches(self, uri):
        return [(n.decode(), b.decode(), v) for n, b, v in self.listed("branches", uri, Ref)]

    def on(self, branch):
        return C.byref(self.options(WriteOpts, "og_write_opts_init", branch=branch and branch.encode()))

    def tag_create(self, uri, name, version=0, move=False, branch=None):
        self.call("og_dataset_tag_create", str(uri).encode(), name.encode(), C.c_uint64(version), C.c_bool(move),
                  self.on(branch))

    def tag_delete(self, uri, name):
        self.call("og_dataset_tag_delete", str(uri).encode(), name.encode(), None)

    def branch_create(self, uri, name, version=0, branch=None):
        self.call("og_dataset_branch_create", str(uri).encode(), name.encode(), C.c_uint64(version), self.on(branch))

    def branch_delete(self, uri, name):
        self.call("og_dataset_branch_delete", str(uri).encode(), name.encode(), None)

    def cleanup(self, uri, **members):
        counts = CleanupCounts()
        self.call("og_dataset_cleanup", str(uri).encode(),
                  C.byref(self.options(CleanupOpts, "og_cleanup_opts_init", **members)), None, C.byref(counts))
        return counts.versions, counts.files


class Writer:
    """og_dataset_writer: rows and blobs in many calls; a commit if nothing failed."""

    def __init__(self, lib, uri, schema, **members):
        given = (C.c_void_p * 9)()
        schema._export_to_c(C.addressof(given))
        self.lib, self.handle, self.version = lib, C.c_void_p(), C.c_uint64()
        lib.call("og_dataset_writer_open", str(uri).encode(), C.byref(given),
                 C.byref(lib.options(WriteOpts, "og_write_opts_init", **members)), C.byref(self.handle))

    def blob(self, column, pieces):
        number = C.c_uint64()
        self.lib.call("og_dataset_writer_blob_begin", self.handle, column.encode())
        for piece in pieces:
            self.lib.call("og_dataset_writer_blob", self.handle, piece, C.c_size_t(len(piece)))
        self.lib.call("og_dataset_writer_blob_end", self.handle, C.byref(number))
        return number.value

    def rows(self, batch):
        given = (C.c_void_p * 10)()
        batch._export_to_c(C.addressof(given))
        self.lib.call("og_dataset_writer_rows", self.handle, C.byref(given))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.lib.call("og_dataset_writer_commit", self.handle, C.byref(self.version))
        finally:
            self.lib.lib.og_dataset_writer_close(self.handle)


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
    elif isinstance(value, (list, tuple)):
        c.items = (Value * max(len(value), 1))(*[condition(column, EQ, v).value for v in value])
        c.value.kind, c.value.value.list.values, c.value.value.list.count = 5, C.addressof(c.items), len(value)
    return c
