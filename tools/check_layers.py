#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A room includes only rooms on lower floors, and links exactly what it includes (or less is declared than allowed).

FLOORS is the plan of the house. `foo: bar` means foo may include bar and whatever bar may include. Checked for each
room: every #include "room/..." in src/<room> is allowed, and is a room that its CMakeLists.txt names in DEPS or gets
through one of them; every room in DEPS is allowed.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOORS = {
    "base": "", "sim": "base",
    "arrow": "base", "net": "base", "text": "base", "cedar": "base", "config": "base",
    "store": "base net", "embed": "base net",
    "lance": "arrow store text", "schema": "arrow",
    "graph": "lance schema", "query": "schema text", "topology": "lance",
    "exec": "graph query topology embed", "delta": "graph",
    "write": "exec delta", "history": "exec delta", "upkeep": "exec delta", "policy": "cedar config graph",
    "db": "write history upkeep policy",
    "api": "db", "cluster": "db",
    "mcp": "api cluster",
    "server": "mcp", "cli": "mcp",
}
# A room whose sources live in another's folder.
FOLDER = {"sim": "base"}
SIM_FILES = {"env_sim.c", "fiber.c", "simfs.c", "fiber.h", "simfs.h", "env_sim.h"}


def closure(direct):
    """The rooms reachable from each room, itself not included."""
    done = {}

    def visit(room):
        if room not in done:
            done[room] = set()
            for below in direct.get(room, ()):
                done[room] |= {below} | visit(below)
        return done[room]

    for room in direct:
        visit(room)
    return done


def declared():
    """room -> rooms named in its DEPS."""
    deps = {}
    for path in sorted(ROOT.glob("src/*/CMakeLists.txt")):
        text = re.sub(r"#.*", "", path.read_text())
        for name, body in re.findall(r"og_(?:module|program)\(\s*(\w+)([^)]*)\)", text):
            words = body.split()
            start = words.index("DEPS") + 1 if "DEPS" in words else len(words)
            end = next((i for i in range(start, len(words)) if words[i].isupper()), len(words))
            deps["cli" if name == "omnigraph" else name] = words[start:end]
    return deps


def room_of(path):
    return "sim" if path.parent.name == "base" and path.name in SIM_FILES else path.relative_to(ROOT / "src").parts[0]


def main():
    allowed = closure({room: below.split() for room, below in FLOORS.items()})
    deps = declared()
    linked = closure(deps)
    wrong = []
    for room, names in deps.items():
        if room not in allowed:
            wrong.append(f"src/{room}: not a room of the house (FLOORS in tools/check_layers.py)")
            continue
        for name in names:
            if name not in allowed[room]:
                wrong.append(f"src/{room}/CMakeLists.txt: DEPS names {name}, which is not below {room}")
    files = [p for p in sorted((ROOT / "src").rglob("*")) if p.suffix in {".c", ".h", ".cc"}]
    for path in files:
        room = room_of(path)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"(\w+)/([^"]+)"', line)
            if not match or match[1] in {room, FOLDER.get(room)} or match[1] == "omnigraph":
                continue
            where = f"{path.relative_to(ROOT)}:{number}: {match[1]}/{match[2]}"
            if match[1] not in allowed.get(room, ()):
                wrong.append(f"{where} is not below {room}")
            elif room in deps and match[1] not in linked[room]:
                wrong.append(f"{where} is included, but DEPS of {room} does not bring it")
    print("\n".join(wrong) or f"layers: {len(deps)} rooms, {len(files)} files")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
