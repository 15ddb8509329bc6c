#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a Debian package index into NDJSON for `omnigraph load` (schema: packages.pg).

    convert.py                          the index of this machine
    convert.py --index Packages.xz      a given index; may be repeated
    convert.py --seed git --seed nginx  only what those packages need: a closed subset

Standard library only. The index is read stanza by stanza, twice: the first pass decides which
version of each name counts, the second writes. What stays in memory is names, never stanzas.
The same index gives the same bytes: every edge gets an id made from its place, such as `git#3`.
"""

import argparse
import bz2
import collections
import glob
import gzip
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import time
import zlib

APT_HELPER = "/usr/lib/apt/apt-helper"
APT_LISTS = "/var/lib/apt/lists"
DPKG_STATUS = "/var/lib/dpkg/status"
PRIORITIES = {"required", "important", "standard", "optional", "extra"}

# One alternative of a relation: name, optional :qualifier, optional (operator version).
RELATION = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([A-Za-z0-9-]+))?"
    r"(?:\s*\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?")

Relation = collections.namedtuple("Relation", "name qualifier version")


def die(message):
    sys.exit(f"convert.py: {message}")


# ---- Where the index comes from ------------------------------------------------------------------


def open_text(binary):
    return io.TextIOWrapper(binary, encoding="utf-8", errors="replace", newline="\n")


def lines_of_command(argv):
    """The output of a command, line by line; a command that fails ends the conversion."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        yield from open_text(process.stdout)
    if process.returncode != 0:
        die(f"`{' '.join(argv)}` failed with exit code {process.returncode}")


def lines_of_file(path):
    """The lines of an index file, whatever apt compressed it with."""
    suffix = os.path.splitext(path)[1]
    openers = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
    if suffix in (".lz4", ".zst"):
        if not os.access(APT_HELPER, os.X_OK):
            die(f"{path}: needs {APT_HELPER} to decompress; give an index in .gz, .xz or plain")
        yield from lines_of_command([APT_HELPER, "cat-file", path])
        return
    with openers.get(suffix, open)(path, "rb") as binary:
        yield from open_text(binary)


class Index:
    """A package index that can be read more than once. `origin` is the sentence for humans."""

    def __init__(self, origin, readers, architecture=None):
        self.origin = origin
        self.readers = readers
        self.architecture = architecture

    def stanzas(self):
        """Every usable stanza as (ordinal, {field: text}); ordinals are equal in every pass."""
        ordinal = 0
        for reader in self.readers:
            for stanza in split_stanzas(reader()):
                ordinal += 1
                if self.wants(stanza):
                    yield ordinal, stanza

    def wants(self, stanza):
        if "Package" not in stanza or "Version" not in stanza:
            return False
        if not stanza.get("Status", "installed").endswith("installed"):
            return False  # dpkg remembers removed packages
        return self.architecture is None or stanza.get("Architecture") in (self.architecture, "all")


def split_stanzas(lines):
    """Fields of each blank-line separated stanza; continuation lines keep their newline."""
    stanza, field = {}, None
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            if stanza:
                yield stanza
            stanza, field = {}, None
        elif line[0] in " \t":
            if field is not None:
                stanza[field] += "\n" + line
        else:
            field, _, value = line.partition(":")
            stanza[field] = value.strip()
    if stanza:
        yield stanza


def files_index(origin, paths, architecture=None):
    return Index(origin, [lambda p=path: lines_of_file(p) for path in paths], architecture)


def native_architecture():
    if not shutil.which("dpkg"):
        return None
    run = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True)
    return run.stdout.strip() or None


def machine_index():
    """The best index this machine has: apt's lists, apt's cache, or what dpkg has installed."""
    architecture = native_architecture()
    paths = sorted(glob.glob(f"{APT_LISTS}/*_Packages") + glob.glob(f"{APT_LISTS}/*_Packages.*"))
    if paths:
        return files_index(f"{len(paths)} package lists of apt", paths, architecture)
    if shutil.which("apt-cache"):
        command = ["apt-cache", "dumpavail"]
        if next(lines_of_command(command), None) is not None:
            return Index("apt-cache dumpavail", [lambda: lines_of_command(command)], architecture)
    if os.path.exists(DPKG_STATUS):
        return files_index(f"{DPKG_STATUS} (no package lists found: run `apt-get update` for the "
                           "whole archive)", [DPKG_STATUS], architecture)
    return die(f"no package index here: neither {APT_LISTS} nor {DPKG_STATUS}; use --index FILE")


# ---- Reading one stanza --------------------------------------------------------------------------


def version_key(version):
    """Sort key that orders versions as dpkg does (Debian Policy 5.6.12)."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch) if epoch.isdigit() else 0, part_key(upstream), part_key(revision or "0")


def part_key(text):
    """Alternating non-digits and numbers; `~` sorts before the end, letters before the rest."""
    weigh = lambda c: -1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256
    return [([weigh(c) for c in word] + [0], int(number or "0"))
            for word, number in re.findall(r"([^0-9]*)([0-9]*)", text)]


def relation_terms(stanza, field):
    """A relation field as a list of terms, each a list of its alternatives."""
    text = stanza.get(field, "")
    terms = []
    for term in filter(None, (t.strip() for t in text.split(","))):
        terms.append([relation(stanza, field, choice.strip()) for choice in term.split("|")])
    return terms


def relation(stanza, field, text):
    match = RELATION.fullmatch(text)
    if match is None:
        die(f"package {stanza['Package']}, field {field}: cannot read {text!r}")
    name, qualifier, operator, version = match.groups()
    return Relation(name, qualifier, f"{operator} {version}" if operator else None)


def dependency_terms(stanza):
    """(is it a Pre-Depends, alternatives) of each term, Pre-Depends first."""
    terms = [(True, t) for t in relation_terms(stanza, "Pre-Depends")]
    return terms + [(False, t) for t in relation_terms(stanza, "Depends")]


def provided(stanza):
    return [r for term in relation_terms(stanza, "Provides") for r in term]


def maintainer(stanza):
    """(key, name) of the maintainer: the mail address in lower case, or the whole text."""
    text = " ".join(stanza.get("Maintainer", "").split())
    name, bracket, email = text.rpartition("<")
    if not bracket:
        return (text, text) if text else None
    email = email.rstrip("> ").lower()
    return email, name.strip().strip('"') or email


def number(stanza, field):
    text = stanza.get(field, "")
    return int(text) if text.isdigit() else None


def source_name(stanza):
    return stanza.get("Source", stanza["Package"]).split(" ")[0]


# ---- Which packages ------------------------------------------------------------------------------


def choose_versions(index):
    """name -> ordinal of the stanza with its newest version (the first one, if they are equal)."""
    best = {}
    for ordinal, stanza in index.stanzas():
        name, version = stanza["Package"], stanza["Version"]
        if name not in best or version_key(version) > version_key(best[name][1]):
            best[name] = ordinal, version
    return {name: ordinal for name, (ordinal, _) in best.items()}


def chosen_stanzas(index, chosen):
    return (s for ordinal, s in index.stanzas() if chosen.get(s["Package"]) == ordinal)


def closure(index, chosen, seeds):
    """All names the seeds reach over dependencies, alternatives included.

    A virtual name that something depends on outright brings in all its providers.
    """
    needs, outright, providers = {}, {}, collections.defaultdict(list)
    for stanza in chosen_stanzas(index, chosen):
        terms = [[r.name for r in term] for _, term in dependency_terms(stanza)]
        needs[stanza["Package"]] = [name for term in terms for name in term]
        outright[stanza["Package"]] = [term[0] for term in terms if len(term) == 1]
        for r in provided(stanza):
            providers[r.name].append(stanza["Package"])
    unknown = [s for s in seeds if s not in needs and s not in providers]
    if unknown:
        die(f"--seed {unknown[0]}: the index has no such package")
    reached, queue = set(), list(seeds)
    while queue:
        name = queue.pop()
        if name in reached:
            continue
        reached.add(name)
        queue += needs.get(name, [])
        for need in outright.get(name, []):
            if need not in needs:
                queue += providers[need]
    return reached


# ---- Writing -------------------------------------------------------------------------------------


class Writer:
    """Writes records; remembers only which names it saw, to write the missing nodes at the end."""

    def __init__(self, out, chosen, keep):
        self.out = out
        self.chosen = chosen
        self.keep = keep  # None: everything
        self.encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        self.maintainers = {}  # mail address -> how often each spelling of the name is used
        self.sections = set()
        self.mentioned = {}  # names without a stanza, in order of appearance
        self.provided = set()
        self.nodes = collections.Counter()
        self.edges = collections.Counter()
        self.odd_priorities = 0

    def wanted(self, name):
        return self.keep is None or name in self.keep

    def node(self, type_name, /, **data):
        self.nodes[type_name] += 1
        data = {k: v for k, v in data.items() if v is not None}
        self.out.write(self.encode({"type": type_name, "data": data}) + "\n")

    def edge(self, type_name, source, target, place, **data):
        self.edges[type_name] += 1
        data = {k: v for k, v in data.items() if v is not None}
        record = {"edge": type_name, "from": source, "to": target,
                  "data": {"id": f"{source}#{place}", **data}}
        self.out.write(self.encode(record) + "\n")

    def package_edge(self, type_name, source, target, place, **data):
        """An edge between packages, unless the subset leaves its target out."""
        if not self.wanted(target):
            return
        if target not in self.chosen:
            self.mentioned[target] = None
        self.edge(type_name, source, target, place, **data)

    def stanza(self, s):
        """A real package and everything that leaves it."""
        name = s["Package"]
        self.package_node(s)
        self.dependencies(name, s)
        for term, choices in enumerate(relation_terms(s, "Recommends")):
            for choice, r in enumerate(choices):
                self.package_edge("Recommends", name, r.name, f"{term}.{choice}", term=term,
                                  choice=choice, version=r.version)
        self.conflicts(name, s)
        for place, r in enumerate(provided(s)):
            self.provided.add(r.name)
            if r.name != name:
                self.package_edge("Provides", name, r.name, place, version=r.version)
        self.attachments(name, s)

    def package_node(self, s):
        priority = s.get("Priority")
        if priority is not None and priority not in PRIORITIES:
            self.odd_priorities += 1
            priority = None
        self.node("Package", name=s["Package"], kind="real", version=s["Version"],
                  source=source_name(s), section=s.get("Section"), priority=priority,
                  architecture=s.get("Architecture"), essential=s.get("Essential") == "yes",
                  installed_kib=number(s, "Installed-Size"), download_bytes=number(s, "Size"),
                  summary=s.get("Description", "").partition("\n")[0] or None,
                  homepage=s.get("Homepage"))

    def dependencies(self, name, s):
        for term, (pre, choices) in enumerate(dependency_terms(s)):
            if len(choices) == 1:
                r = choices[0]
                self.package_edge("DependsOn", name, r.name, term, term=term, pre=pre,
                                  version=r.version, qualifier=r.qualifier)
                continue
            for choice, r in enumerate(choices):
                self.package_edge("DependsOnOneOf", name, r.name, f"{term}.{choice}", term=term,
                                  choice=choice, pre=pre, version=r.version,
                                  qualifier=r.qualifier)

    def conflicts(self, name, s):
        """Conflicts and Breaks in one edge type; a package never conflicts with itself."""
        place = 0
        for field in ("Conflicts", "Breaks"):
            for choices in relation_terms(s, field):
                if len(choices) != 1:
                    die(f"package {name}, field {field}: alternatives make no sense here")
                r = choices[0]
                if r.name != name:
                    self.package_edge("Conflicts", name, r.name, place, strength=field.lower(),
                                      version=r.version)
                place += 1

    def attachments(self, name, s):
        who = maintainer(s)
        if who is not None:
            email, person = who
            self.maintainers.setdefault(email, collections.Counter())[person] += 1
            self.edge("MaintainedBy", name, email, 0)
        section = s.get("Section")
        if section:
            if section not in self.sections:
                self.sections.add(section)
                area = section.rpartition("/")[0] or "main"
                self.node("Section", name=section, area=area)
            self.edge("InSection", name, section, 0)

    def maintainer_nodes(self):
        """One node per address, under its most used name (the first one, if they are equal)."""
        for email, spellings in self.maintainers.items():
            self.node("Maintainer", email=email, name=spellings.most_common(1)[0][0])

    def names_without_stanza(self):
        """Nodes for the names that edges point at but the index does not hold."""
        for name in self.mentioned:
            kind = "virtual" if name in self.provided else "absent"
            self.node("Package", name=name, kind=kind, essential=False)


def convert(index, out, seeds):
    chosen = choose_versions(index)
    keep = closure(index, chosen, seeds) if seeds else None
    writer = Writer(out, chosen, keep)
    for stanza in chosen_stanzas(index, chosen):
        if writer.wanted(stanza["Package"]):
            writer.stanza(stanza)
        else:
            writer.provided.update(r.name for r in provided(stanza))
    writer.maintainer_nodes()
    writer.names_without_stanza()
    return writer


def report(index, writer, seconds):
    """What happened, on stderr."""
    counted = lambda c: f"{sum(c.values())} ({', '.join(f'{k} {c[k]}' for k in sorted(c))})"
    print(f"source  {index.origin}", file=sys.stderr)
    print(f"nodes   {counted(writer.nodes)}", file=sys.stderr)
    print(f"edges   {counted(writer.edges)}", file=sys.stderr)
    if writer.odd_priorities:
        print(f"note    {writer.odd_priorities} priorities unknown to Debian Policy left null",
              file=sys.stderr)
    print(f"time    {seconds:.1f} s", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--index", action="append", metavar="FILE",
                        help="a Packages file (plain, gz, xz, bz2, lz4, zst); default: this "
                             "machine's")
    parser.add_argument("--arch", help="keep packages of this architecture and `all` only")
    parser.add_argument("--seed", action="append", metavar="NAME",
                        help="write only what NAME reaches over its dependencies")
    parser.add_argument("--out", metavar="FILE", help="default: standard output")
    args = parser.parse_args()

    start = time.monotonic()
    if args.index:
        index = files_index(", ".join(args.index), args.index)
    else:
        index = machine_index()
    if args.arch:
        index.architecture = args.arch
    target = args.out if args.out else sys.stdout.fileno()
    with open(target, "w", encoding="utf-8", newline="\n", closefd=bool(args.out)) as out:
        writer = convert(index, out, args.seed)
    if not writer.nodes:
        die(f"{index.origin}: holds no package")
    report(index, writer, time.monotonic() - start)


if __name__ == "__main__":
    try:
        main()
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        die(str(error))
