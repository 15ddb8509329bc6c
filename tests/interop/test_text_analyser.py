# SPDX-License-Identifier: MIT
"""Words as real Lance makes them: two texts that an index of Lance takes for the same word are the same word to us.

An index does not tell its words, but finds by them.  So texts that differ in one place are indexed, and each word of ours
is looked for: what Lance finds must be the texts that have it.

Needs pylance and pytest, and OG_BUILD_DIR: a build folder with bin/text_words.  Run with each pinned pylance.
"""
import collections
import os
import pathlib
import re
import subprocess

import lance
import pyarrow as pa
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUFFIXES = ["", "s", "es", "ies", "ed", "ing", "ingly", "ly", "er", "ers", "ness", "ational", "ization", "fulness", "ously",
            "ement", "ive", "able", "'s", "y"]
# Stop words of Lance 10, which the original has, and of us; Lance 14 knows them no longer.
CONTRACTED = set("ain aren couldn d didn doesn don hadn hasn haven isn ll m ma mightn mustn needn o s shan shouldn t ve wasn"
                 " weren won wouldn y".split())
LATER_STEMS = ("evening", "succeed")  # the edition of the stemmer in Lance 14 treats them, and endings in -ly, otherwise
OLD = int(lance.__version__.split(".")[0]) < 14


def words_of(texts):
    """Our words of each text."""
    tool = os.path.join(os.environ["OG_BUILD_DIR"], "bin", "text_words")
    done = subprocess.run([tool], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True,
                          encoding="utf-8", errors="surrogateescape")
    return [line.split("\x1f")[:-1] for line in done.stdout.split("\n")[:-1]]


@pytest.fixture
def indexed(tmp_path):
    def make(texts):
        uri = str(tmp_path / "t.lance")
        lance.write_dataset(pa.table({"n": range(len(texts)), "text": texts}), uri).create_scalar_index("text", "INVERTED")
        d = lance.dataset(uri)

        def find(query):
            scan = d.scanner(columns=["n"], full_text_query=query, disable_scoring_autoprojection=True)
            return set(scan.to_table()["n"].to_pylist())

        return find

    return make


def test_every_character_divides_or_folds_as_in_lance(indexed):
    planes = [(1, 0x40000), (0xE0000, 0xE0200)]  # the others have no characters
    points = [c for a, b in planes for c in range(a, b) if not 0xD800 <= c < 0xE000 and c not in (10, 13)]
    texts = ["zq%sqz" % chr(c) for c in points]
    ours = words_of(texts)
    find = indexed(texts)
    divided = {i for i, w in enumerate(ours) if w[0] == "zq"}
    found = find("zq")
    assert {hex(points[i]) for i in divided ^ found} == set()
    together = collections.defaultdict(set)
    for i, words in enumerate(ours):
        if len(words) == 1 and re.fullmatch("[a-z0-9]+", words[0]):
            together[words[0]].add(i)
    assert len(together) > 100
    for word, those in together.items():
        assert {hex(points[i]) for i in those ^ find(word)} == set(), word


def test_english_words_have_the_stems_of_lance(indexed):
    source = "".join(p.read_text() for p in sorted(ROOT.glob("docs/**/*.md")) + [ROOT / "README.md", ROOT / "LICENSE"])
    bases = sorted(set(re.findall(r"[a-z]{3,12}", source.lower())))[::3]
    texts = sorted({b + s for b in bases for s in (SUFFIXES if OLD else [""])} | {"skies", "dying", "news", "willing", "its", "café", "naïvely"})
    if not OLD:
        texts = [t for t in texts if not CONTRACTED & set(re.findall(r"\w+", t))]
    ours = words_of(texts)
    find = indexed(texts)
    by_word = collections.defaultdict(set)
    for i, words in enumerate(ours):
        for w in words:
            by_word[w].add(i)
    for i in range(0, len(texts), 17):
        want = set().union(*(by_word[w] for w in ours[i])) if ours[i] else set()
        differ = {texts[k] for k in find(texts[i]) ^ want}
        assert {t for t in differ if OLD or not t.startswith(LATER_STEMS)} == set(), texts[i]
