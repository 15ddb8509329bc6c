# SPDX-License-Identifier: MIT
"""`omnigraph cleanup` beside changes of the schema: what branches still need stays, what was erased goes."""
import json
import shutil

import pytest

OLD = "node A { k: String @key }\n"
NEW = OLD + "node T { k: String @key  s: String? }\n"
NEWER = OLD + "node T { k: String @key  n: I32? }\n"


def apply(og, text, *flags):
    (og.folder / "next.pg").write_text(text)
    og.run("schema", "apply", "--schema", "next.pg", "--quiet", *flags, "g.omni", exits=0)


def insert(og, branch, kind, key):
    og.run("mutate", "--store", "g.omni", "--branch", branch, "--quiet", "-e",
           f'query q() {{ insert {kind} {{ k: "{key}" }} }}', exits=0)


def keys(og, branch, kind):
    rows = og.json("query", "--store", "g.omni", "--branch", branch, "-e",
                   f"query q() {{ match {{ $t: {kind} }} return {{ $t.k }} }}")["rows"]
    return sorted(row["t.k"] for row in rows)


def cleanup(og, keep=1):
    og.run("cleanup", "g.omni", "--keep", keep, "--grace", "0s", "--confirm", exits=0)


def branch(og, *args):
    og.run("branch", *args, "g.omni", "--quiet", exits=0)


@pytest.mark.parametrize("cleaned", [False, True], ids=["as_it_is", "cleaned"])
@pytest.mark.parametrize("second", [None, [NEWER], [NEWER, "--allow-data-loss"]], ids=["new", "altered", "erased"])
def test_a_branch_takes_over_types_made_long_ago(og, second, cleaned):
    og.init(schema=OLD)
    insert(og, "main", "A", "a")
    branch(og, "create", "b", "--from", "main")
    apply(og, NEW)
    on_main = [f"t{i}" for i in range(4)]
    for key in on_main[:3]:
        insert(og, "main", "T", key)
    if second:
        apply(og, *second)
    insert(og, "main", "T", on_main[3])
    # Merged, the two branches begin from a state that b has: nothing keeps main's older ones.
    insert(og, "b", "A", "b")
    branch(og, "merge", "b", "--into", "main")
    insert(og, "main", "A", "m")
    if cleaned:
        cleanup(og)

    branch(og, "merge", "main", "--into", "b")
    assert keys(og, "b", "T") == on_main and keys(og, "b", "A") == ["a", "b", "m"]
    branch(og, "create", "c", "--from", "b")
    insert(og, "b", "T", "tb")
    insert(og, "c", "T", "tc")
    branch(og, "merge", "c", "--into", "b")
    branch(og, "merge", "b", "--into", "main")
    every = sorted([*on_main, "tb", "tc"])
    assert keys(og, "b", "T") == keys(og, "main", "T") == every
    cleanup(og)
    assert keys(og, "b", "T") == keys(og, "main", "T") == every
    assert keys(og, "c", "T") == sorted([*on_main, "tc"])


def test_a_branch_that_begins_with_a_first_version_can_be_branched_again(og):
    """The type came back to what it was made as, so the branch begins with its first version itself, although main erased
    what stood below its newest one."""
    og.init(schema=OLD)
    branch(og, "create", "b", "--from", "main")
    apply(og, NEW)
    apply(og, NEW.replace("s: String?", "s: String?  x: I32?"))
    apply(og, NEW, "--allow-data-loss")
    branch(og, "merge", "main", "--into", "b")
    branch(og, "create", "c", "--from", "b")
    insert(og, "b", "T", "tb")
    insert(og, "c", "T", "tc")
    cleanup(og)
    branch(og, "merge", "c", "--into", "b")
    assert keys(og, "b", "T") == ["tb", "tc"]


def test_rows_that_came_from_where_they_were_dropped_are_no_conflict(og):
    og.init(schema=OLD)
    branch(og, "create", "b", "--from", "main")
    branch(og, "create", "e", "--from", "main")
    apply(og, NEW)
    branch(og, "merge", "main", "--into", "e")
    insert(og, "main", "T", "t")
    branch(og, "merge", "main", "--into", "b")
    apply(og, OLD)
    insert(og, "b", "A", "b")
    insert(og, "e", "A", "e")
    branch(og, "merge", "b", "--into", "main")
    branch(og, "merge", "e", "--into", "main")
    assert keys(og, "main", "A") == ["b", "e"]
    insert(og, "b", "T", "mine")
    done = og.run("branch", "merge", "b", "--into", "main", "g.omni", exits=1)
    assert "the type was dropped on 'main' and written to on 'b'" in done.stderr


def test_what_was_erased_leaves_the_disk_whatever_states_stay(og):
    root = og.init(schema=NEW)
    word = b"x7Qp-2vLz-9KdM"
    og.load(json.dumps({"type": "T", "data": {"k": "t", "s": word.decode()}}) + "\n")
    branch(og, "create", "b", "--from", "main")
    apply(og, NEWER, "--allow-data-loss")

    def on_disk():
        return any(word in file.read_bytes() for file in (root / "nodes").rglob("*.lance"))
    cleanup(og, keep=50)
    secret = "query q() { match { $t: T } return { $t.s } }"
    assert og.json("query", "--store", "g.omni", "--branch", "b", "-e", secret)["rows"] == [{"t.s": word.decode()}]
    assert on_disk()  # for b
    insert(og, "b", "T", "tb")
    cleanup(og, keep=50)
    assert og.json("query", "--store", "g.omni", "--branch", "b", "-e", secret)["rows"] is not None and on_disk()
    branch(og, "delete", "b")
    cleanup(og, keep=50)
    assert not on_disk()
    assert keys(og, "main", "T") == ["t"]
    insert(og, "main", "T", "more")
    cleanup(og, keep=50)
    assert keys(og, "main", "T") == ["more", "t"]


def test_a_type_that_was_erased_takes_its_folder_along(og):
    root = og.init(schema=NEW)
    insert(og, "main", "T", "t")
    insert(og, "main", "A", "a")
    folder = next(t["dataset_path"] for t in og.json("snapshot", "g.omni")["datasets"] if t["type_name"] == "T")
    apply(og, OLD, "--allow-data-loss")
    cleanup(og, keep=50)
    assert not list((root / folder / "data").glob("*"))
    cleanup(og)
    assert not [file for file in (root / folder).rglob("*") if file.is_file()]
    assert keys(og, "main", "A") == ["a"]


def test_a_folder_that_may_still_be_given_out_keeps_its_claim(og):
    """Left by an apply that crashed: while its number is free, a late delete could hit the manifest of the next claim."""
    root, twin = og.init(schema=OLD), og.folder / "twin.omni"
    shutil.copytree(root, twin)
    (og.folder / "next.pg").write_text(NEW)
    og.run("schema", "apply", "--schema", "next.pg", "--quiet", "twin.omni", exits=0)
    left = next(path for path in (twin / "nodes").iterdir() if not (root / "nodes" / path.name).exists())
    shutil.copytree(left, root / "nodes" / left.name)

    def claim():
        return [path.name for path in (root / "nodes" / left.name / "_versions").glob("*.manifest")]
    held = claim()
    cleanup(og)
    assert held and claim() == held
    apply(og, NEW)
    assert left.name not in [t["dataset_path"].split("/")[-1] for t in og.json("snapshot", "g.omni")["datasets"]]
    cleanup(og)
    assert not claim()
    insert(og, "main", "T", "t")
    assert keys(og, "main", "T") == ["t"]
