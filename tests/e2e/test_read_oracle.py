# SPDX-License-Identifier: MIT
"""Random queries over random graphs, against an evaluator that tries every assignment of the variables.

A row of a match is an assignment of nodes and edges to its variables for which all clauses hold; the evaluator takes
that literally, so it shares no idea with the engine. OG_QUERIES is the number of queries (150), OG_SEED the seed
(printed with a failure).
"""
import collections
import itertools
import json
import os
import random

SCHEMA = """\
node A { k: String @key  i: I32?  f: F64?  s: String?  b: Bool?  d: Date?  l: [String]? }
node B { k: String @key  i: I64?  s: String? }
edge Likes: A -> A { w: I32?  s: String? }
edge Road: A -> A
edge In: A -> B { w: F64? }
edge Next: B -> B
"""
PROPERTIES = {
    "A": {"k": "text", "i": "number", "f": "number", "s": "text", "b": "bool", "d": "date", "l": "list"},
    "B": {"k": "text", "i": "number", "s": "text"},
    "Likes": {"w": "number", "s": "text"}, "Road": {}, "In": {"w": "number"}, "Next": {},
}
ENDS = {"Likes": ("A", "A"), "Road": ("A", "A"), "In": ("A", "B"), "Next": ("B", "B")}
VALUES = {
    "number": [-1, 0, 1, 2, 3], "text": ["", "a", "ab", "abc", "b", "B", "é"], "bool": [True, False],
    "date": ["1969-12-31", "2000-01-01", "2000-01-02"],
}
FLOATS = [-1.0, 0.5, 1.0, 2.0, 2.5]


# Graphs

def value(rng, kind, name):
    if rng.random() < 0.25:
        return None
    if kind == "list":
        return [rng.choice(VALUES["text"]) for _ in range(rng.randrange(3))]
    return rng.choice(FLOATS) if name in ("f", "wf") else rng.choice(VALUES[kind])


def make_graph(rng):
    """({type: {id: properties}}, {edge type: {id: (from, to, properties)}})"""
    nodes = {t: {f"{t.lower()}{i}": {} for i in range(rng.randrange(1, 7))} for t in ("A", "B")}
    for t, rows in nodes.items():
        for key in rows:
            rows[key] = {p: value(rng, kind, p) for p, kind in PROPERTIES[t].items()} | {"k": key}
    edges = {}
    for e, (source, target) in ENDS.items():
        edges[e] = {}
        for i in range(rng.randrange(0, 10)):
            one, other = rng.choice(list(nodes[source])), rng.choice(list(nodes[target]))
            if e == "Road" and one == other:
                continue # loops and several hops: which end is walked from would matter
            props = {p: value(rng, kind, "wf" if e == "In" else p) for p, kind in PROPERTIES[e].items()}
            edges[e][f"{e.lower()}{i}"] = (one, other, props)
    return nodes, edges


def lines(graph):
    for t, rows in graph[0].items():
        for props in rows.values():
            yield json.dumps({"type": t, "data": props})
    for e, rows in graph[1].items():
        for key, (one, other, props) in rows.items():
            yield json.dumps({"edge": e, "from": one, "to": other, "data": props | {"id": key}})


# Queries: clauses are tuples that the generator makes, `text` writes and `holds` decides

class Block:
    """Clauses, and the variables in reach: {name: node type} and {name: edge type}, of which some are from outside."""

    def __init__(self, nodes, edges):
        self.nodes, self.edges, self.clauses = dict(nodes), dict(edges), []
        self.outer = nodes.keys() | edges.keys()


def literal(rng, kind):
    if kind == "number":
        return rng.choice(["0", "1", "2", "0.5", "2.0", "2.5"])
    if kind == "date":
        return f'date("{rng.choice(VALUES["date"])}")'
    return json.dumps(rng.choice(VALUES[kind]), ensure_ascii=False)


def scalar_of(text):
    return text[6:-2] if text.startswith("date(") else json.loads(text)


def operand(rng, block, kind):
    """A property of this kind that is in reach, as ("prop", variable, name), or None."""
    found = [("prop", v, p) for v, t in [*block.nodes.items(), *block.edges.items()] for p, k in PROPERTIES[t].items()
             if k == kind]
    return rng.choice(found) if found else None


def add_filter(rng, block):
    kind = rng.choice(["number", "number", "text", "text", "bool", "date", "list"])
    left = operand(rng, block, kind)
    if not left:
        return
    if kind == "list":
        block.clauses.append(("filter", left, "contains", ("literal", literal(rng, "text"))))
        return
    right = operand(rng, block, kind) if rng.random() < 0.4 else None
    op = rng.choice(["=", "!=", "<", "<=", ">", ">="] + ["contains", "starts_with"] * (kind == "text"))
    block.clauses.append(("filter", left, op, right or ("literal", literal(rng, kind))))


def add_binding(rng, block, name):
    t = rng.choice("AAB")
    inline = []
    if rng.random() < 0.3:
        p, kind = rng.choice([(p, k) for p, k in PROPERTIES[t].items() if k != "list"])
        inline.append((p, literal(rng, kind)))
    if t == "A" and rng.random() < 0.15:
        inline.append(("l", literal(rng, "text")))
    block.nodes[name] = t
    block.clauses.append(("bind", name, t, inline))


def add_traversal(rng, block, fresh, turned=True):
    """Between two variables of which at least one is known; the other may be new, or nobody's. An edge between two types
    may be written from its end (`turned`) if the type of that end is known by then."""
    known = rng.choice(list(block.nodes))
    e = rng.choice([e for e, ends in ENDS.items() if block.nodes[known] in ends])
    same = ENDS[e][0] == ENDS[e][1]
    forward = rng.random() < 0.5 if same else block.nodes[known] == ENDS[e][0]
    other_type = ENDS[e][1] if block.nodes[known] == ENDS[e][0] else ENDS[e][0]
    others = [v for v, t in block.nodes.items() if t == other_type]
    pick = rng.random()
    if pick < 0.25 and others:
        other = rng.choice(others)
    elif pick < 0.4:
        other = "_" + fresh()
    else:
        other = fresh()
    undirected = same and rng.random() < 0.25
    bounds, variable = (1, 1), None
    if rng.random() < 0.3:
        variable = fresh()
    elif e == "Road" and rng.random() < 0.7:
        low = rng.randrange(1, 3)
        bounds = (low, low + rng.randrange(3))
    if not other.startswith("_"):
        block.nodes[other] = other_type
    if variable:
        block.edges[variable] = e
    source, target = (known, other) if forward else (other, known)
    if turned and not same and target == known and rng.random() < 0.5:
        block.clauses.append(("walk", target, e, bounds, variable, False, source, True))
    else:
        block.clauses.append(("walk", source, e, bounds, variable, undirected, target, False))


def add_negation(rng, outer, depth, fresh):
    inner = Block(outer.nodes, outer.edges)
    add_traversal(rng, inner, fresh)
    for _ in range(rng.randrange(2)):
        add_traversal(rng, inner, fresh)
    for _ in range(rng.randrange(2)):
        add_filter(rng, inner)
    if depth and rng.random() < 0.3:
        add_negation(rng, inner, depth - 1, fresh)
    # The block must name an outer variable in a clause of its own.
    if not any(c[0] == "walk" and {c[1], c[6]} & outer.nodes.keys() for c in inner.clauses):
        return
    outer.clauses.append(("not", inner))


def make_block(rng, fresh):
    block, shuffled = Block({}, {}), rng.random() < 0.5
    for _ in range(rng.choice([1, 1, 1, 2])):
        add_binding(rng, block, fresh())
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        add_traversal(rng, block, fresh, turned=not shuffled)
    for _ in range(rng.choice([0, 0, 1, 2])):
        add_filter(rng, block)
    for _ in range(rng.choice([0, 0, 1, 2])):
        add_negation(rng, block, 1, fresh)
    # Walks may stand in front of what they start from; filters follow what they mention.
    walks = [c for c in block.clauses if c[0] in ("bind", "walk")]
    rest = [c for c in block.clauses if c[0] not in ("bind", "walk")]
    if shuffled:
        rng.shuffle(walks)
    block.clauses = walks + rest
    return block


def text(block):
    def name(v):
        return "$_" if v.startswith("_") else f"${v}"

    def side(o):
        return f"${o[1]}.{o[2]}" if o[0] == "prop" else o[1]

    out = []
    for c in block.clauses:
        if c[0] == "bind":
            out.append(f"${c[1]}: {c[2]}" + (" { " + ", ".join(f"{p}: {v}" for p, v in c[3]) + " }" if c[3] else ""))
        elif c[0] == "walk":
            word = c[2][0].lower() + c[2][1:]
            word = f"<{word}>" if c[5] else word
            bounds = "" if c[3] == (1, 1) else "{%d,%d}" % c[3]
            out.append(f"{name(c[1])} {'$' + c[4] + ':' if c[4] else ''}{word}{bounds} {name(c[6])}")
        elif c[0] == "filter":
            out.append(f"{side(c[1])} {c[2]} {side(c[3])}")
        else:
            out.append("not { " + text(c[1]) + " }")
    return "\n  ".join(out)


# The evaluator

def compare(left, op, right):
    """True, or not: null makes it unknown, which is not."""
    if left is None or right is None:
        return False
    if op == "contains":
        return right in left
    if op == "starts_with":
        return left.startswith(right)
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    return {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right,
            ">=": left >= right}[op]


def reaches(edges, one, other, bounds, undirected):
    """Whether the shortest way from one to other is within the bounds; nobody returns to itself but by a loop."""
    seen, frontier = {one}, {one}
    if one == other:
        return bounds[0] == 1 and any(a == b == one for a, b, _ in edges)
    for hop in range(1, bounds[1] + 1):
        step = {b for a, b, _ in edges if a in frontier} | ({a for a, b, _ in edges if b in frontier} if undirected else set())
        frontier = step - seen
        if other in frontier:
            return hop >= bounds[0]
        seen |= frontier
    return False


class Evaluator:
    def __init__(self, graph):
        self.nodes, self.edges = graph

    def read(self, o, row):
        if o[0] == "literal":
            return scalar_of(o[1])
        entity = row[o[1]]
        props = self.nodes[entity[0]][entity[1]] if entity[0] in self.nodes else self.edges[entity[0]][entity[1]][2]
        return props[o[2]]

    def holds(self, c, row):
        if c[0] == "bind":
            props = self.nodes[c[2]][row[c[1]][1]]
            return all(compare(props[p], "contains" if p == "l" else "=", scalar_of(v)) for p, v in c[3])
        if c[0] == "filter":
            return compare(self.read(c[1], row), c[2], self.read(c[3], row))
        if c[0] == "not":
            return not any(True for _ in self.rows(c[1], row))
        one, other = row[c[1]][1], row[c[6]][1]
        if c[7]:
            one, other = other, one
        if c[4]:
            a, b, _ = self.edges[c[2]][row[c[4]][1]]
            return (a, b) == (one, other) or (c[5] and (b, a) == (one, other))
        return reaches(self.edges[c[2]].values(), one, other, c[3], c[5])

    def variables(self, block):
        """{name: its candidates}"""
        found = {v: [(t, key) for key in self.nodes[t]] for v, t in block.nodes.items()}
        found |= {v: [(e, key) for key in self.edges[e]] for v, e in block.edges.items()}
        for c in block.clauses:
            if c[0] == "walk":
                ends = ENDS[c[2]][::-1] if c[7] else ENDS[c[2]]
                for v, t in zip((c[1], c[6]), ends):
                    found.setdefault(v, [(t, key) for key in self.nodes[t]])
        return found

    def rows(self, block, given):
        """Assigns one variable after the other, looking at each clause as soon as all it mentions is known."""
        candidates = {v: c for v, c in self.variables(block).items() if v not in given}
        mentions = [(c, self.mentioned(c) - given.keys()) for c in block.clauses]

        def extend(row, left):
            if not left:
                yield row
                return
            v, *rest = left
            for entity in candidates[v]:
                more = row | {v: entity}
                if all(self.holds(c, more) for c, m in mentions if v in m and m <= more.keys()):
                    yield from extend(more, rest)

        if all(self.holds(c, given) for c, m in mentions if not m):
            yield from extend(given, list(candidates))

    def mentioned(self, c):
        if c[0] == "bind":
            return {c[1]}
        if c[0] == "walk":
            return {c[1], c[6]} | ({c[4]} if c[4] else set())
        if c[0] == "filter":
            return {o[1] for o in (c[1], c[3]) if o[0] == "prop"}
        return set().union(*map(self.mentioned, c[1].clauses)) & c[1].outer


# What is returned

def sort_key(v):
    if v is None:
        return (0,)
    return (1, v.encode()) if isinstance(v, str) else (1, v)


def returns(rng, block):
    """Some properties, or aggregates by group: the text behind the match, and a function from rows to the answer."""
    props = [("prop", v, p) for v, t in [*block.nodes.items(), *block.edges.items()] for p in PROPERTIES[t]]
    some = rng.sample(props, min(len(props), rng.randrange(1, 4)))
    columns = [f"${v}.{p} as c{i}" for i, (_, v, p) in enumerate(some)]
    sortable = [i for i, (_, v, p) in enumerate(some) if p != "l"]
    if rng.random() < 0.3:
        return aggregate(rng, block, some, columns)
    order = [(i, rng.random() < 0.5) for i in rng.sample(sortable, rng.randrange(len(sortable) + 1))]
    limit = rng.randrange(6) if order and rng.random() < 0.4 else None
    tail = " order { " + ", ".join(f"c{i} {'desc' if d else 'asc'}" for i, d in order) + " }" if order else ""
    tail += f" limit {limit}" if limit is not None else ""

    def answer(ev, rows):
        ids = sorted([*block.nodes, *block.edges])
        rows.sort(key=lambda row: [row[v][1].encode() for v in ids])
        out = [[ev.read(o, row) for o in some] for row in rows]
        for i, desc in reversed(order):
            out.sort(key=lambda cells, i=i: sort_key(cells[i]), reverse=desc) # stable both ways
        return out if limit is None else out[:limit]
    return "{ " + ", ".join(columns) + " }" + tail, answer, bool(order)


def aggregate(rng, block, some, columns):
    of = operand(rng, block, "number") or operand(rng, block, "text")
    call = rng.choice(["count", "min", "max"] + ["sum", "avg"] * (PROPERTIES[(block.nodes | block.edges)[of[1]]][of[2]] == "number"))
    keys = [(o, c) for o, c in zip(some, columns) if o[2] != "l"][:rng.randrange(3)]

    def answer(ev, rows):
        groups = collections.defaultdict(list)
        for row in rows:
            groups[tuple(ev.read(o, row) for o, _ in keys)].append(ev.read(of, row))
        if not keys and not groups:
            groups[()] = []
        return [[*key, total(call, [v for v in values if v is not None])] for key, values in groups.items()]
    return "{ " + ", ".join([c for _, c in keys] + [f"{call}(${of[1]}.{of[2]}) as t"]) + " }", answer, False


def total(call, values):
    if call == "count":
        return len(values)
    if not values:
        return None
    if call in ("sum", "avg"):
        return sum(values) / (len(values) if call == "avg" else 1)
    return (min if call == "min" else max)(values, key=sort_key)


# The comparison

def same(left, right):
    return json.dumps(left) == json.dumps(right) or (isinstance(left, float) and isinstance(right, (int, float))
                                                     and not isinstance(right, bool) and abs(left - right) < 1e-9)


def canonical(rows):
    return sorted(json.dumps([float(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v for v in row])
                  for row in rows)


def test_the_engine_answers_as_trying_everything_does(og):
    count = int(os.environ.get("OG_QUERIES", "150"))
    seed = int(os.environ.get("OG_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"OG_SEED={seed} OG_QUERIES={count}")
    rng = random.Random(seed)
    tally = collections.Counter()
    for n in range(count):
        if n % 20 == 0:
            graph, name = make_graph(rng), f"g{n}.omni"
            og.init(name, schema=SCHEMA)
            og.load("".join(line + "\n" for line in lines(graph)), name)
        ev, numbers = Evaluator(graph), itertools.count()
        block = make_block(rng, lambda: f"v{next(numbers)}")
        expected = list(itertools.islice(ev.rows(block, {}), 20000))
        columns, answer, ordered = returns(rng, block)
        source = f"query q() {{ match {{\n  {text(block)}\n}} return {columns} }}"
        if len(expected) == 20000:
            continue # too many to be worth it
        wanted = answer(ev, expected)
        got = [list(row.values()) for row in og.rows(source, name)]
        if not ordered:
            assert canonical(got) == canonical(wanted), source
        else:
            assert [canonical([r]) for r in got] == [canonical([r]) for r in wanted], source
        tally["queries"] += 1
        tally["with rows"] += bool(wanted)
        tally["with a negation"] += "not {" in source
        tally["with several hops"] += "road{" in source
    print(dict(tally))
    assert tally["with rows"] > tally["queries"] / 10, "hardly any query finds anything"
