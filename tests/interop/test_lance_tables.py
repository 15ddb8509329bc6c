# SPDX-License-Identifier: MIT
"""Whole tables shared with real Lance: both write to one table in turn, and agree on every row after each step.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder in which the target lance_table_tool was built.  Run with each
pinned pylance.
"""
import json
import os
import pathlib
import random
import subprocess
import uuid

import lance
import pyarrow as pa
import pytest

SCHEMA = pa.schema(
    [
        pa.field("id", pa.utf8(), nullable=False),
        pa.field("n", pa.int64()),
        pa.field("x", pa.float64()),
        pa.field("tags", pa.list_(pa.utf8())),
        pa.field("v", pa.list_(pa.float32(), 4)),
    ]
)
VERSIONS = {"_created": "_row_created_at_version", "_updated": "_row_last_updated_at_version"}


def row(i, **changes):
    made = {
        "id": f"k{i:05d}",
        "n": i if i % 7 else None,
        "x": i / 4,
        "tags": [f"t{j}" if j else None for j in range(i % 4)] if i % 5 else None,
        "v": [i, i + 0.5, 0, -i] if i % 3 else None,
    }
    return made | changes


class Shared:
    """One table, a model of its rows by id, and both engines."""

    def __init__(self, folder, tool):
        self.folder, self.tool, self.name = folder, tool, "t"
        self.model = {}

    @property
    def path(self):
        return str(self.folder / "t")

    def ours(self, command, *arguments, rows=()):
        text = "".join(json.dumps(r) + "\n" for r in rows)
        done = subprocess.run(
            [self.tool, str(self.folder), self.name, command, *map(str, arguments)],
            input=text, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs(self):
        return lance.dataset(self.path)

    def put(self, rows):
        self.model.update((r["id"], r) for r in rows)

    def drop(self, ids):
        for i in ids:
            del self.model[i]

    def check(self, their_versions=True):
        """Both engines see exactly the model, and the same row ids and versions."""
        ours = {r["id"]: r for r in self.ours("scan")}
        dataset = self.theirs()
        columns = [*SCHEMA.names, *(VERSIONS.values() if their_versions else ())]
        theirs = {r["id"]: r for r in dataset.to_table(columns=columns, with_row_id=True).to_pylist()}
        assert len(ours) == self.ours("info")[0]["rows"] == dataset.count_rows() == len(self.model)
        for key, want in self.model.items():
            for name in SCHEMA.names:
                assert ours[key][name] == want[name], (key, name)
                assert theirs[key][name] == want[name], (key, name)
            assert ours[key]["_rowid"] == theirs[key]["_rowid"]
            for name in VERSIONS.values() if their_versions else ():
                assert ours[key][name] == theirs[key][name], (key, name)
        assert len({r["_rowid"] for r in ours.values()}) == len(ours)
        nulls = sum(r["n"] is None for r in self.model.values())
        assert dataset.count_rows("n is null") == nulls
        dataset.validate()
        return ours


@pytest.fixture(name="shared")
def make_shared(tmp_path):
    folder = os.environ.get("OG_BUILD_DIR")
    if not folder:
        pytest.skip("OG_BUILD_DIR is not set")
    tool = pathlib.Path(folder) / "bin" / "lance_table_tool"
    if not tool.exists():
        pytest.skip(f"{tool} was not built")
    return Shared(tmp_path, str(tool))


def table_of(rows):
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def make_ours(shared, n, minor=2):
    rows = [row(i) for i in range(n)]
    shared.ours("create", minor, rows=rows)
    shared.put(rows)


def make_theirs(shared, n, version="2.2"):
    rows = [row(i) for i in range(n)]
    lance.write_dataset(table_of(rows), shared.path, enable_stable_row_ids=True, data_storage_version=version)
    shared.put(rows)


def our_insert(shared, keys, fold=0):
    rows = [row(i) for i in keys]
    shared.ours("insert", fold, rows=rows)
    shared.put(rows)


def our_update(shared, keys, fold=0, **changes):
    rows = [row(i, **changes) for i in keys]
    shared.ours("update", fold, rows=rows)
    shared.put(rows)


def our_delete(shared, keys):
    ids = [row(i)["id"] for i in keys]
    shared.ours("delete", rows=[{"id": i} for i in ids])
    shared.drop(ids)


def their_append(shared, keys):
    rows = [row(i) for i in keys]
    shared.theirs().insert(table_of(rows))
    shared.put(rows)


def their_delete(shared, keys):
    ids = [row(i)["id"] for i in keys]
    shared.theirs().delete("id in (" + ",".join(f"'{i}'" for i in ids) + ")")
    shared.drop(ids)


def their_update(shared, keys, x):
    ids = [row(i)["id"] for i in keys]
    shared.theirs().update({"x": str(x)}, where="id in (" + ",".join(f"'{i}'" for i in ids) + ")")
    shared.put([shared.model[i] | {"x": float(x)} for i in ids])


def their_merge(shared, keys, **changes):
    rows = [row(i, **changes) for i in keys]
    job = shared.theirs().merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
    job.execute(table_of(rows))
    shared.put(rows)


def their_compaction(shared):
    shared.theirs().optimize.compact_files()


@pytest.mark.parametrize("minor", [1, 2])
def test_lance_reads_each_of_our_versions(shared, minor):
    make_ours(shared, 300, minor)
    shared.check()
    our_update(shared, range(10, 20), x=-1.0)
    shared.check()
    our_delete(shared, range(0, 300, 3))
    shared.check()
    our_insert(shared, range(300, 340))
    shared.check()
    rows = [row(i, n=5) for i in range(7)]
    shared.ours("overwrite", rows=rows)
    shared.model = {}
    shared.put(rows)
    shared.check()


def test_lance_goes_on_where_we_stopped(shared):
    make_ours(shared, 500)
    our_delete(shared, range(0, 100, 7))
    our_update(shared, range(200, 260), x=2.5)
    their_append(shared, range(500, 600))
    shared.check()
    their_delete(shared, range(2, 40, 7))
    shared.check()
    their_update(shared, range(300, 310), 9)
    shared.check()
    their_merge(shared, range(590, 620), n=11)
    shared.check()
    their_compaction(shared)
    shared.check()
    their_delete(shared, [row_number for row_number in range(101, 104)])
    shared.check()


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_we_go_on_where_lance_stopped(shared, version):
    make_theirs(shared, 400, version)
    their_delete(shared, range(0, 400, 9))
    shared.check()
    our_delete(shared, range(1, 60, 9))
    our_update(shared, range(5, 400, 9), x=0.25)
    shared.check()
    their_compaction(shared)
    shared.check()
    our_insert(shared, range(400, 420))
    our_update(shared, range(11, 18), n=None)
    shared.check()
    their_merge(shared, range(410, 430), n=3)
    shared.check()


def test_a_fully_deleted_table_stays_readable(shared):
    make_ours(shared, 20)
    our_delete(shared, range(20))
    shared.check()
    their_append(shared, range(20, 25))
    shared.check()
    our_delete(shared, range(20, 24))
    shared.check()


def test_thousands_of_small_changes_leave_few_fragments(shared):
    make_ours(shared, 100)
    for i in range(100, 220):
        our_insert(shared, [i], fold=8192)
        if i % 10 == 3:
            our_update(shared, [i - 1, i - 50], fold=8192, x=7.0)
        if i % 17 == 4:
            our_delete(shared, [i - 2])
    fragments = shared.ours("info")[0]["fragments"]
    assert len(fragments) < 12, fragments
    shared.check()
    their_merge(shared, range(90, 130), n=1)
    their_compaction(shared)
    shared.check()


def test_row_ids_of_every_kind_that_compaction_makes(shared):
    make_theirs(shared, 1500)
    their_delete(shared, range(0, 1500, 3))
    their_append(shared, range(1500, 1800))
    their_delete(shared, [1, 2])
    their_compaction(shared)
    shared.check()
    our_update(shared, range(4, 1500, 30), x=1.5)
    our_delete(shared, range(5, 1500, 30))
    shared.check()
    their_compaction(shared)
    shared.check()


def test_an_index_of_lance_survives_our_writes(shared):
    make_ours(shared, 300)
    shared.theirs().create_scalar_index("id", "BTREE")
    our_update(shared, range(10, 20), x=8.0)
    our_insert(shared, range(300, 305), fold=100)
    our_delete(shared, [30])
    shared.check()
    dataset = shared.theirs()
    assert [i["name"] for i in dataset.list_indices()] == ["id_idx"]
    for key, count in [("k00012", 1), ("k00030", 0), ("k00302", 1), ("k00200", 1)]:
        found = dataset.to_table(filter=f"id = '{key}'").to_pylist()
        assert found == ([shared.model[key]] if count else []), key
    dataset.optimize.optimize_indices()
    assert shared.theirs().to_table(filter="id = 'k00302'").num_rows == 1
    our_update(shared, [302], x=3.0)
    assert shared.theirs().to_table(filter="id = 'k00302'").to_pylist() == [shared.model["k00302"]]


def test_a_random_history_written_in_turns(shared):
    pick = random.Random(5)
    make_ours(shared, 60)
    top = 60
    for _ in range(40):
        live = [int(k[1:]) for k in shared.model]
        some = pick.sample(live, min(len(live), pick.randint(1, 12)))
        step = pick.choice(["oi", "ou", "od", "ta", "tu", "td", "tm", "tc"])
        if step in ("oi", "ta"):
            keys = range(top, top + pick.randint(1, 9))
            top = keys.stop
            if step == "oi":
                our_insert(shared, keys, fold=pick.choice([0, 500]))
            else:
                their_append(shared, keys)
        elif step == "ou":
            our_update(shared, some, fold=pick.choice([0, 500]), x=pick.randint(0, 9) / 2)
        elif step == "tu":
            their_update(shared, some, pick.randint(0, 9))
        elif step == "tm":
            their_merge(shared, [*some, top], n=pick.randint(0, 99))
            top += 1
        elif step == "tc":
            their_compaction(shared)
        elif len(live) > 30:
            (our_delete if step == "od" else their_delete)(shared, some)
        shared.check()


def branch_reference(shared, name, version, size):
    """What Lance keeps of a branch beside its folder."""
    refs = shared.folder / "t" / "_refs" / "branches"
    refs.mkdir(parents=True, exist_ok=True)
    content = {
        "parentBranch": None,
        "identifier": {"version_mapping": [[version, uuid.uuid4().hex]]},
        "parentVersion": version,
        "createAt": 1700000000,
        "manifestSize": size,
        "metadata": {},
    }
    (refs / f"{name}.json").write_text(json.dumps(content))


def test_lance_opens_our_branch_and_writes_to_it(shared):
    make_ours(shared, 50)
    our_delete(shared, [3, 4])
    shared.theirs().create_scalar_index("id", "BTREE")
    version = shared.theirs().version
    shared.ours("clone", "wip")
    manifest = next((shared.folder / "t" / "tree" / "wip" / "_versions").glob("*.manifest"))
    branch_reference(shared, "wip", version, manifest.stat().st_size)
    main = dict(shared.model)
    shared.name = "t@wip"
    shared.theirs = lambda: lance.dataset(shared.path).checkout_version(("wip", None))
    shared.check()
    our_update(shared, [7, 8], x=6.0)
    our_delete(shared, [9])
    shared.check()
    assert shared.theirs().to_table(filter="id = 'k00020'").num_rows == 1
    their_append(shared, range(50, 60))
    shared.check()
    our_insert(shared, range(60, 63))
    shared.check()
    shared.name, shared.model = "t", main
    del shared.theirs
    shared.check()


def test_we_open_a_branch_of_lance_and_write_to_it(shared):
    make_theirs(shared, 50)
    their_delete(shared, [3])
    dataset = shared.theirs()
    dataset.create_branch("wip", dataset.version)
    shared.name = "t@wip"
    shared.theirs = lambda: lance.dataset(shared.path).checkout_version(("wip", None))
    shared.check()
    their_append(shared, range(50, 60))
    our_update(shared, [7, 55], x=6.0)
    our_delete(shared, [9])
    shared.check()


SAMPLES = pathlib.Path(__file__).parent.parent / "data" / "lance"


@pytest.mark.parametrize("name", ["history/hist", "history/segs", "lance12/hist", "written-by-c/t", "v2.1/del"])
def test_every_version_of_the_samples_reads_alike(shared, name):
    table = SAMPLES / f"{name}.lance"
    shared.folder, shared.name = table.parent, table.name
    for entry in lance.dataset(str(table)).versions():
        dataset = lance.dataset(str(table), version=entry["version"])
        stable = name != "v2.1/del"
        simple = [f.name for f in dataset.schema if pa.types.is_integer(f.type) or pa.types.is_string(f.type)]
        columns = [*simple, *(VERSIONS.values() if stable else ())]
        theirs = dataset.to_table(columns=columns, with_row_id=stable).to_pylist()
        ours = shared.ours("scan", entry["version"])
        assert len(ours) == len(theirs)
        by_id = {r["id"]: r for r in ours}
        for r in theirs:
            for key, value in r.items():
                assert str(by_id[r["id"]][key]) == str(value), (entry["version"], r["id"], key)
