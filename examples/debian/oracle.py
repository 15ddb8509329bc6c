#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden answers for the frozen extract, computed without OmniGraph.

    oracle.py write             compute golden/*.jsonl and golden/cases.tsv anew
    oracle.py check             fail unless extract.ndjson is sound and the golden files are current
    oracle.py compare GOLDEN    read `omnigraph query ... --format jsonl` on standard input and fail
                                unless its rows are GOLDEN's: same order, columns, values and types

Each answer is a small Python function over plain lists. None of them reads the .gq files: a query
and its function say the same thing twice, in two languages, and must agree.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EXTRACT = os.path.join(HERE, "extract.ndjson")
GOLDEN = os.path.join(HERE, "golden")

PACKAGE_PROPERTIES = ["version", "source", "section", "priority", "architecture", "installed_kib",
                      "download_bytes", "summary", "homepage"]
ENDPOINTS = {"DependsOn": "Package", "DependsOnOneOf": "Package", "Recommends": "Package",
             "Conflicts": "Package", "Provides": "Package", "MaintainedBy": "Maintainer",
             "InSection": "Section"}
KEYS = {"Package": "name", "Maintainer": "email", "Section": "name"}


# ---- The extract as dictionaries -----------------------------------------------------------------

nodes = {"Package": {}, "Maintainer": {}, "Section": {}}  # type -> id -> properties
edges = {edge: [] for edge in ENDPOINTS}                  # type -> [(from, to)]
edge_ids = set()


def read_extract():
    with open(EXTRACT, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    for record in records:
        if "type" in record:
            kind, data = record["type"], record["data"]
            if kind == "Package":
                data = {**dict.fromkeys(PACKAGE_PROPERTIES), **data}
            key = data[KEYS[kind]]
            assert key not in nodes[kind], f"{kind} {key} is there twice"
            nodes[kind][key] = data
    for record in records:
        if "edge" in record:
            kind, source, target = record["edge"], record["from"], record["to"]
            assert source in nodes["Package"], f"{kind}: no package {source}"
            assert target in nodes[ENDPOINTS[kind]], f"{kind}: no {ENDPOINTS[kind]} {target}"
            assert (kind, record["data"]["id"]) not in edge_ids, f"{kind}: {record} is there twice"
            edge_ids.add((kind, record["data"]["id"]))
            edges[kind].append((source, target))


def packages():
    return list(nodes["Package"].values())


def targets(edge, source):
    """Where the edges of `source` lead: a plain traversal meets each destination once."""
    return [node(edge, t) for t in {t for s, t in edges[edge] if s == source}]


def sources(edge, target):
    return [nodes["Package"][s] for s in {s for s, t in edges[edge] if t == target}]


def node(edge, key):
    return nodes[ENDPOINTS[edge]][key]


# ---- Order: strings by bytes, nulls first when ascending, last when descending -------------------


def rank(value):
    if value is None:
        return (0,)
    return (1, value.encode() if isinstance(value, str) else value)


def ordered(rows, *directions):
    """Sort by one (direction, key function) after the other; `sorted` is stable, so last first."""
    for direction, key in reversed(directions):
        rows = sorted(rows, key=lambda row: rank(key(row)), reverse=direction == "desc")
    return rows


def column(name):
    return lambda row: row[name]


def counted(groups):
    """(group, how many) of each distinct group."""
    groups = list(groups)
    return [(group, groups.count(group)) for group in set(groups)]


# ---- queries/package.gq --------------------------------------------------------------------------


def show(name):
    wanted = ["name", "kind", "version", "source", "section", "priority", "architecture",
              "essential", "installed_kib", "download_bytes", "summary", "homepage"]
    return [{f"p.{c}": p[c] for c in wanted} for p in packages() if p["name"] == name]


def needs(name):
    rows = [{"needs": n["name"], "kind": n["kind"], "kib": n["installed_kib"]}
            for n in targets("DependsOn", name)]
    return ordered(rows, ("desc", column("kib")), ("asc", column("needs")))


def needs_one_of(name):
    rows = [{"choice.name": c["name"], "choice.kind": c["kind"], "choice.summary": c["summary"]}
            for c in targets("DependsOnOneOf", name)]
    return ordered(rows, ("asc", column("choice.name")))


def breaks_without(name):
    rows = [{"breaks": p["name"], "section": p["section"], "kib": p["installed_kib"]}
            for p in sources("DependsOn", name)]
    return ordered(rows, ("desc", column("kib")), ("asc", column("breaks")))[:15]


def count_breaks_without(name):
    return [{"packages": len(sources("DependsOn", name))}]


def breaks_through(name):
    rows = [{"breaks": p["name"], "needs": v["name"]}
            for v in targets("Provides", name) for p in sources("DependsOn", v["name"])]
    return ordered(rows, ("asc", column("breaks")), ("asc", column("needs")))


def conflicts_with(name):
    both = ({t for s, t in edges["Conflicts"] if s == name} |
            {s for s, t in edges["Conflicts"] if t == name})
    rows = [{"other.name": o, "other.kind": node("Conflicts", o)["kind"],
             "other.summary": node("Conflicts", o)["summary"]} for o in both]
    return ordered(rows, ("asc", column("other.name")))


def conflicts_through(name):
    rows = [{"other": o["name"], "both_are": v["name"]}
            for v in targets("Provides", name) for o in sources("Conflicts", v["name"])
            if o["name"] != name]
    return ordered(rows, ("asc", column("other")), ("asc", column("both_are")))


def shared_needs(left, right):
    on_the_right = [n["name"] for n in targets("DependsOn", right)]
    rows = [{"need.name": n["name"], "need.version": n["version"]}
            for n in targets("DependsOn", left) if n["name"] in on_the_right]
    return ordered(rows, ("desc", column("need.name")))


def comes_along(name):
    rows = [{"extra.name": e["name"], "extra.download_bytes": e["download_bytes"]}
            for e in targets("Recommends", name) if e["kind"] == "real"]
    return ordered(rows, ("desc", column("extra.download_bytes")), ("asc", column("extra.name")))


# ---- queries/archive.gq --------------------------------------------------------------------------


def biggest_sections():
    rows = [{"section": s, "packages": n} for s, n in counted(t for _, t in edges["InSection"])]
    return ordered(rows, ("desc", column("packages")), ("asc", column("section")))[:10]


def busiest_maintainers():
    rows = [{"maintainer": nodes["Maintainer"][m]["name"], "email": m, "packages": n}
            for m, n in counted(t for _, t in edges["MaintainedBy"])]
    return ordered(rows, ("desc", column("packages")), ("asc", column("email")))[:10]


def most_needed():
    rows = [{"package": p, "needed_by": n}
            for p, n in counted(t for _, t in set(edges["DependsOn"]))]
    return ordered(rows, ("desc", column("needed_by")), ("asc", column("package")))[:10]


def largest_packages(at_least_kib):
    rows = [{f"p.{c}": p[c] for c in ["name", "section", "installed_kib", "download_bytes"]}
            for p in packages()
            if p["installed_kib"] is not None and p["installed_kib"] >= at_least_kib]
    return ordered(rows, ("desc", column("p.installed_kib")), ("asc", column("p.name")))[:10]


def kinds():
    rows = []
    for kind, priority in {(p["kind"], p["priority"]) for p in packages()}:
        group = [p for p in packages() if (p["kind"], p["priority"]) == (kind, priority)]
        with_homepage = [p for p in group if p["homepage"] is not None]
        rows.append({"kind": kind, "priority": priority, "names": len(group),
                     "with_homepage": len(with_homepage)})
    return ordered(rows, ("asc", column("kind")), ("asc", column("priority")))


def essential_packages():
    rows = [{"p.name": p["name"], "p.version": p["version"], "p.installed_kib": p["installed_kib"]}
            for p in packages() if p["essential"] and p["kind"] == "real"]
    return ordered(rows, ("asc", column("p.name")))


def find(prefix, word):
    rows = [{"p.name": p["name"], "p.summary": p["summary"]} for p in packages()
            if p["name"].startswith(prefix) and p["summary"] is not None and word in p["summary"]]
    return ordered(rows, ("asc", column("p.name")))[:20]


def starting_with(prefix):
    rows = [{f"p.{c}": p[c] for c in ["name", "version", "priority", "summary"]}
            for p in packages() if p["kind"] == "real" and p["name"].startswith(prefix)]
    return ordered(rows, ("asc", column("p.name")))[:20]


def section_users(section, name):
    in_section = [s for s, t in edges["InSection"] if t == section]
    rows = [{"p.name": p["name"], "p.version": p["version"],
             "s.area": nodes["Section"][section]["area"]}
            for p in sources("DependsOn", name) if p["name"] in in_section]
    return ordered(rows, ("asc", column("p.name")))


def outside_main():
    rows = [{"p.name": p, "section": s} for p, s in edges["InSection"]
            if nodes["Section"][s]["area"] != "main"]
    return ordered(rows, ("asc", column("section")), ("asc", column("p.name")))[:20]


def loops():
    pairs = set(edges["DependsOn"])
    rows = [{"one": a, "other": b, "source": nodes["Package"][a]["source"]} for a, b in pairs
            if (b, a) in pairs and a.encode() < b.encode()]
    return ordered(rows, ("asc", column("one")), ("asc", column("other")))[:20]


def providers():
    rows = [{"name": v, "providers": n} for v, n in counted(t for _, t in set(edges["Provides"]))
            if nodes["Package"][v]["kind"] == "virtual"]
    return ordered(rows, ("desc", column("providers")), ("asc", column("name")))[:10]


def maintainer_alternatives(email):
    rows = [{"p.name": p["name"], "choice.name": c["name"], "choice.kind": c["kind"]}
            for p in sources("MaintainedBy", email)
            for c in targets("DependsOnOneOf", p["name"]) if c["kind"] != "absent"]
    return ordered(rows, ("desc", column("p.name")), ("asc", column("choice.name")))


# ---- The cases -----------------------------------------------------------------------------------

CASES = [  # name, file under queries/, function and query, parameters
    ("show_git", "package", show, {"name": "git"}),
    ("show_awk", "package", show, {"name": "awk"}),
    ("show_nothing", "package", show, {"name": "no-such-package"}),
    ("needs_git", "package", needs, {"name": "git"}),
    ("needs_base_files", "package", needs, {"name": "base-files"}),
    ("needs_one_of_postgresql", "package", needs_one_of, {"name": "postgresql-15"}),
    ("breaks_without_zlib1g", "package", breaks_without, {"name": "zlib1g"}),
    ("count_breaks_without_zlib1g", "package", count_breaks_without, {"name": "zlib1g"}),
    ("count_breaks_without_vim", "package", count_breaks_without, {"name": "vim"}),
    ("breaks_through_mawk", "package", breaks_through, {"name": "mawk"}),
    ("conflicts_with_postfix", "package", conflicts_with, {"name": "postfix"}),
    ("conflicts_with_libc6", "package", conflicts_with, {"name": "libc6"}),
    ("conflicts_through_postfix", "package", conflicts_through, {"name": "postfix"}),
    ("shared_needs_git_curl", "package", shared_needs, {"left": "git", "right": "curl"}),
    ("comes_along_with_git", "package", comes_along, {"name": "git"}),
    ("biggest_sections", "archive", biggest_sections, {}),
    ("busiest_maintainers", "archive", busiest_maintainers, {}),
    ("most_needed", "archive", most_needed, {}),
    ("largest_packages", "archive", largest_packages, {"at_least_kib": 20000}),
    ("largest_packages_none", "archive", largest_packages, {"at_least_kib": 1 << 40}),
    ("kinds", "archive", kinds, {}),
    ("essential_packages", "archive", essential_packages, {}),
    ("find_shared_libraries", "archive", find, {"prefix": "lib", "word": "shared library"}),
    ("starting_with_python", "archive", starting_with, {"prefix": "python"}),
    ("section_users_httpd", "archive", section_users, {"section": "httpd", "name": "libc6"}),
    ("outside_main", "archive", outside_main, {}),
    ("loops", "archive", loops, {}),
    ("providers", "archive", providers, {}),
    ("maintainer_alternatives", "archive", maintainer_alternatives,
     {"email": "team+postgresql@tracker.debian.org"}),
]


def as_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def expected_files():
    """Path -> text of everything under golden/."""
    files, table = {}, ""
    for name, file, function, params in CASES:
        rows = function(**params)
        files[os.path.join(GOLDEN, f"{name}.jsonl")] = "".join(as_json(r) + "\n" for r in rows)
        table += "\t".join([name, f"{file}.gq", function.__name__, as_json(params)]) + "\n"
    files[os.path.join(GOLDEN, "cases.tsv")] = table
    return files


def write():
    os.makedirs(GOLDEN, exist_ok=True)
    for path, text in expected_files().items():
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def check():
    stale = []
    for path, text in expected_files().items():
        try:
            with open(path, encoding="utf-8") as golden:
                same = golden.read() == text
        except FileNotFoundError:
            same = False
        if not same:
            stale.append(os.path.basename(path))
    if stale:
        sys.exit(f"oracle.py: not what the extract says: {', '.join(stale)}; see `oracle.py write`")


# ---- Comparing -----------------------------------------------------------------------------------


def exact_rows(lines):
    """Rows as (column, value) pairs, so that order and type count: 1 is not 1.0 is not true."""
    return [[(c, type(v).__name__, v) for c, v in pairs]
            for pairs in (json.loads(line, object_pairs_hook=list) for line in lines)]


def compare(golden_path):
    with open(golden_path, encoding="utf-8") as golden:
        want = exact_rows(golden)
    head, *rows = list(sys.stdin) or [""]
    if not head or json.loads(head).get("kind") != "metadata":
        sys.exit(f"no metadata line at the start of the answer, but: {head!r}")
    count = json.loads(head).get("row_count")
    have = exact_rows(rows)
    if count != len(have):
        sys.exit(f"the metadata line says {count} rows, {len(have)} follow")
    for place, (w, h) in enumerate(zip(want, have), 1):
        if w != h:
            sys.exit(f"row {place} differs\n  golden {as_json(w)}\n  answer {as_json(h)}")
    if len(want) != len(have):
        sys.exit(f"golden has {len(want)} rows, the answer {len(have)}")


def main():
    if sys.argv[1:2] == ["compare"] and len(sys.argv) == 3:
        compare(sys.argv[2])
        return
    if sys.argv[1:] not in (["write"], ["check"]):
        sys.exit(__doc__)
    read_extract()
    {"write": write, "check": check}[sys.argv[1]]()


if __name__ == "__main__":
    main()
