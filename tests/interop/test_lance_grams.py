# SPDX-License-Identifier: MIT
"""LABEL_LIST and NGRAM indexes shared with real Lance: what one side builds the other uses, extends and merges, and
every lookup gives what looking at all rows gives.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder with lib/libomnigraph-lance.so.  Run with each pinned pylance.
"""
import glob
import random

import lance
import pyarrow as pa
import pytest

from lance_api import APPEND, EQ, CONTAINS, HAS, IS_NULL, LABEL_LIST, LT, NGRAM, Library

WORDS = ["Straße", "STRASSE", "café", "CAFÉ", "cafe\u0301", "naïve", "Ærø", "ﬁnal", "x²y²", "１２３", "abc-def", "ab cd", "日本語",
         "İstanbul", "ısı", "K2", "a", "", "zzz", "AbCdE", "œuvre", "Łódź", "ﬀﬁ", "½ cup", "ǅungla"]
LABELS = ["red", "Green", "blue", "", "très long label " * 9, "x"]
OLD = int(lance.__version__.split(".")[0]) < 14  # finds nothing for a needle without grams
NO_GRAMS = ["é", "c-d", "zz", "日本", "İst", "b c"]
NEEDLES = ["stra", "STRA", "Straße", "cafe", "café", "caf", "é", "abc", "c-d", "bCd", "zzz", "zz", "", "123", "１２３", "日本",
           "oeuvre", "œuv", "istan", "İst", "nothing", "b c", "ódź"]


@pytest.fixture
def lib():
    return Library()


def rows(keys, shift=0):
    out = {"k": [], "s": [], "l": [], "n": []}
    for k in keys:
        r = random.Random(1000 * shift + k)
        out["k"].append(k)
        out["s"].append(None if r.random() < 0.1 else " ".join(r.choices(WORDS, k=r.randrange(4))))
        out["l"].append(None if r.random() < 0.1 else
                        [None if r.random() < 0.1 else r.choice(LABELS) for _ in range(r.randrange(4))])
        out["n"].append([r.randrange(20) for _ in range(r.randrange(3))])
    return pa.table(out, pa.schema([("k", pa.int64()), ("s", pa.utf8()), ("l", pa.list_(pa.utf8())),
                                    ("n", pa.large_list(pa.int16()))]))


def check(lib, uri):
    """Every question to either side, against the rows."""
    d = lance.dataset(uri)
    all_rows = d.to_table().to_pylist()
    for needle in NEEDLES:
        want = sorted(r["k"] for r in all_rows if r["s"] is not None and needle in r["s"])
        assert sorted(lib.scan(uri, [("s", CONTAINS, needle)])["k"].to_pylist()) == want, needle
        if needle and not (OLD and needle in NO_GRAMS):
            assert sorted(d.to_table(filter=f"contains(s, '{needle}')")["k"].to_pylist()) == want, needle
    for label in LABELS + ["absent"]:
        want = sorted(r["k"] for r in all_rows if r["l"] and label in r["l"])
        assert sorted(lib.scan(uri, [("l", HAS, label)])["k"].to_pylist()) == want
        assert sorted(d.to_table(filter=f"array_has(l, '{label}')")["k"].to_pylist()) == want
    for number in (0, 7, 19, 20):
        want = sorted(r["k"] for r in all_rows if number in r["n"])
        assert sorted(lib.scan(uri, [("n", HAS, number)])["k"].to_pylist()) == want
        assert lib.count(uri, [("n", HAS, number), ("k", LT, 50)]) == sum(k < 50 for k in want)
    assert lib.count(uri, [("s", IS_NULL)]) == sum(r["s"] is None for r in all_rows)
    assert lib.count(uri, [("l", IS_NULL)]) == sum(r["l"] is None for r in all_rows)


def make(lib, uri, builder):
    if builder == "ours":
        for column, kind in (("s", NGRAM), ("l", LABEL_LIST), ("n", LABEL_LIST)):
            lib.index_create(uri, column, kind)
    else:
        for column, kind in (("s", "NGRAM"), ("l", "LABEL_LIST"), ("n", "LABEL_LIST")):
            lance.dataset(uri).create_scalar_index(column, kind, name=f"{column}_idx")


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "addresses"])
@pytest.mark.parametrize("builder", ["ours", "theirs"])
def test_either_side_builds_and_extends(lib, tmp_path, builder, ids):
    uri = str(tmp_path / "t.lance")
    lance.write_dataset(rows(range(300)), uri, max_rows_per_file=110, enable_stable_row_ids=ids)
    check(lib, uri)
    make(lib, uri, builder)
    check(lib, uri)
    plan = lance.dataset(uri).scanner(filter="contains(s, 'abc')").explain_plan()
    assert "ScalarIndexQuery" in plan and "s_idx" in plan
    assert "ScalarIndexQuery" in lance.dataset(uri).scanner(filter="array_has(l, 'red')").explain_plan()
    lib.write(uri, rows(range(300, 360)), APPEND)
    lib.delete(uri, [("k", EQ, 7)])
    lance.dataset(uri).delete("k in (8, 9, 330)")
    check(lib, uri)
    lib.index_update(uri)
    check(lib, uri)
    lance.write_dataset(rows(range(400, 440)), uri, mode="append")
    lance.dataset(uri).optimize.optimize_indices()
    check(lib, uri)
    new = rows(range(100, 140), shift=1)
    lance.dataset(uri).merge_insert("k").when_matched_update_all().when_not_matched_insert_all().execute(new)
    check(lib, uri)
    lib.merge(uri, rows(range(200, 230), shift=2), ["k"])
    lib.index_update(uri, all_parts=True)
    check(lib, uri)
    lib.compact(uri)
    check(lib, uri)
    lib.index_update(uri)
    check(lib, uri)
    stats = lance.dataset(uri).stats
    for name in ("s_idx", "l_idx", "n_idx"):
        assert stats.index_stats(name)["num_unindexed_rows"] == 0


def test_an_empty_table_and_empty_lists(lib, tmp_path):
    uri = str(tmp_path / "t.lance")
    lance.write_dataset(rows([]), uri)
    make(lib, uri, "ours")
    lib.write(uri, rows(range(40)), APPEND)
    lib.index_update(uri)
    check(lib, uri)


def test_conditions_that_do_not_fit(lib, tmp_path):
    uri = str(tmp_path / "t.lance")
    lance.write_dataset(rows(range(10)), uri)
    for where, text in (([("k", CONTAINS, "a")], 'column "k" of type int64 cannot contain a string'),
                        ([("s", CONTAINS, 5)], 'column "s" of type string cannot contain a int64'),
                        ([("s", HAS, "a")], 'column "s" of type string cannot have a string'),
                        ([("l", HAS, 5)], "cannot have a int64"), ([("l", CONTAINS, "red")], "cannot contain")):
        with pytest.raises(Exception, match=text):
            lib.scan(uri, where)
    with pytest.raises(Exception, match="an index of this kind over column 'k'"):
        lib.index_create(uri, "k", NGRAM)
    with pytest.raises(Exception, match="an index of this kind over column 's'"):
        lib.index_create(uri, "s", LABEL_LIST)


def grams(uri):
    """Token -> bytes of its rows, of the one NGRAM index there is."""
    from lance.file import LanceFileReader
    file, = glob.glob(uri + "/_indices/*/ngram_postings.lance")
    t = LanceFileReader(file).read_all().to_table().to_pydict()
    return dict(zip(t["tokens"], t["posting_list"]))


def test_all_characters_fold_alike(lib, tmp_path):
    """A row per character of Unicode, between letters: the indexes of both sides have the same grams for the same rows."""
    characters = [c for c in range(0x80, 0x20000) if not 0xD800 <= c < 0xE000]
    both = pa.table({"s": [f"qj{chr(c)}jq" for c in characters]})
    uris = [str(tmp_path / name) for name in ("ours.lance", "theirs.lance")]
    for uri in uris:
        lance.write_dataset(both, uri, enable_stable_row_ids=True)
    lib.index_create(uris[0], "s", NGRAM)
    lance.dataset(uris[1]).create_scalar_index("s", "NGRAM")
    ours, theirs = map(grams, uris)
    assert ours == theirs
