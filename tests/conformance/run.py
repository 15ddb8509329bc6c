#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box conformance runner for the omnigraph CLI and server (Python 3.11+, standard library only).

usage: run.py [--bin DIR_OR_PATH] [--suite languages|engine|surface|all] [--case GLOB]... [--jobs N]
              [--time-limit S] [--layout] [--no-faults] [--strict-messages] [--keep] [--json OUT]
              [--check] [--verbose] CASES_DIR...

Case formats and the CLI contract this runner relies on: FORMAT.md beside this file.
Exit status: 0 when nothing failed, 1 on any failure, 2 on wrong usage.
"""
import argparse, collections, concurrent.futures, copy, fnmatch, glob, hashlib, http.client, json, math, os, re
import shutil, signal, subprocess, sys, tempfile, threading, time, urllib.parse
from decimal import Decimal

BIG = 1 << 53
PASS_ENV = ('PATH', 'TMPDIR', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS',
            'TSAN_OPTIONS', 'LLVM_PROFILE_FILE', 'RUST_BACKTRACE', 'SYSTEMROOT')
CRASH = re.compile(r'AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer|: runtime error: |panicked at|'
                   r'terminate called|Assertion .* failed|Segmentation fault|Traceback \(most recent call last\)')
SEARCHY = re.compile(r'\b(search|fuzzy|match_text|bm25|nearest|rrf)\s*\(')


class Fail(Exception):
    """A mismatch: the case fails."""


class SkipStep(Exception):
    """The step cannot be expressed through the CLI. layout: it is a layout probe. stop: later steps make no sense."""
    def __init__(self, why, layout=False, stop=False):
        super().__init__(why)
        self.layout, self.stop = layout, stop


# ---------------------------------------------------------------- values

def _constant(s):
    raise ValueError('not JSON: ' + s)


def loads(text):
    return json.loads(text, parse_float=Decimal, parse_constant=_constant)


class Enc(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, Decimal):
            return int(o) if o == o.to_integral_value() else float(o)
        return super().default(o)


def dumps(v):
    return json.dumps(v, cls=Enc, ensure_ascii=False)


def short(v, n=220):
    s = v if isinstance(v, str) else dumps(v)
    s = ' '.join(s.split())
    return s if len(s) <= n else s[:n - 12] + '…' + s[-11:]


def isnum(v):
    return isinstance(v, (int, float, Decimal)) and not isinstance(v, bool)


def veq(e, g, big_text=True):
    """Equality by value. e: expected, g: got. Integers beyond 2^53 are exact and may travel as decimal text."""
    if isinstance(e, bool) or isinstance(g, bool):
        return isinstance(e, bool) and isinstance(g, bool) and e == g
    if isnum(e) and isnum(g):
        if isinstance(e, int) and isinstance(g, int):
            return e == g
        if e == g:
            return True
        return abs(e) < BIG and abs(g) < BIG and math.isclose(float(e), float(g), rel_tol=1e-9, abs_tol=1e-12)
    if big_text and isinstance(e, int) and abs(e) > BIG and isinstance(g, str):
        return re.fullmatch(r'-?\d+', g) is not None and int(g) == e
    if isinstance(e, list) and isinstance(g, list):
        return len(e) == len(g) and all(veq(a, b, big_text) for a, b in zip(e, g))
    if isinstance(e, dict) and isinstance(g, dict):
        return e.keys() == g.keys() and all(veq(e[k], g[k], big_text) for k in e)
    return type(e) is type(g) and e == g


def subset(e, g):
    """Every member named in e is in g with an equal value; extra members of g are ignored, at every depth."""
    if isinstance(e, dict):
        return isinstance(g, dict) and all(k in g and subset(v, g[k]) for k, v in e.items())
    return veq(e, g)


def match_bag(exp, got, eq=veq):
    """(missing, extra) after pairing the two lists regardless of order."""
    left, missing = list(got), []
    flexible = []
    for e in exp:
        for i, g in enumerate(left):
            if eq(e, g):
                flexible.append((e, left.pop(i)))
                break
        else:
            missing.append(e)
    if missing and left and eq is not veq:                    # subset matching may pair greedily; try to repair once
        for m in list(missing):
            for j, (e, g) in enumerate(flexible):
                if eq(m, g):
                    k = next((k for k, h in enumerate(left) if eq(e, h)), None)
                    if k is not None:
                        flexible[j] = (e, left.pop(k))
                        missing.remove(m)
                        break
    return missing, left


def want(what, exp, got, eq=veq):
    if not eq(exp, got):
        raise Fail(f'{what}: expected {short(exp)}, got {short(got)}')


def want_bag(what, exp, got, eq=veq):
    missing, extra = match_bag(exp, got, eq)
    if missing or extra:
        raise Fail(f'{what}: expected {len(exp)} got {len(got)}; missing {short(missing)}; unexpected {short(extra)}')


def canon(v):
    """Order-free text of a list of values, for comparing two observed states."""
    return sorted(json.dumps(x, cls=Enc, sort_keys=True) for x in v)


def unindex(v, i):
    """Substitutes {i} and {i:03d} in a template; a text that is exactly {i} becomes the number."""
    if isinstance(v, str):
        if v == '{i}':
            return i
        return re.sub(r'\{i(:[^}]*)?\}', lambda m: format(i, (m.group(1) or ':')[1:]), v)
    if isinstance(v, list):
        return [unindex(x, i) for x in v]
    if isinstance(v, dict):
        return {k: unindex(x, i) for k, x in v.items()}
    return v


# ---------------------------------------------------------------- running commands

class Res:
    def __init__(self, args, rc, out, err):
        self.args, self.rc, self.out, self.err = args, rc, out, err
        self._doc = None

    @property
    def ok(self):
        return self.rc == 0

    def doc(self):
        """The JSON document on stdout; a success without one is a failure of the case."""
        if self._doc is None:
            try:
                self._doc = loads(self.out)
            except ValueError as x:
                raise Fail(f'`{self.cmd()}`: stdout is not one JSON document ({x}): {short(self.out, 120)}')
        return self._doc

    def error_doc(self):
        """The structured error, if one was printed (stdout first, then the last JSON object on stderr)."""
        for text in (self.out, self.err, self.err[self.err.find('{'):] if '{' in self.err else ''):
            try:
                d = loads(text)
                if isinstance(d, dict):
                    return d
            except ValueError:
                pass
        for line in reversed(self.err.splitlines()):
            if line.startswith('{'):
                try:
                    return loads(line)
                except ValueError:
                    pass
        return None

    def cmd(self):
        return short('omnigraph ' + ' '.join(a if len(a) < 40 else a[:30].replace('\n', ' ') + '…' for a in self.args), 160)

    def said(self):
        return short((self.err.strip() or self.out.strip()), 200)

    def text(self):
        d = self.error_doc()
        more = d.get('error') if d else ''
        return self.err + '\n' + self.out + '\n' + (more if isinstance(more, str) else '')

    def crashed(self):
        return self.rc < 0 or self.rc >= 126 or CRASH.search(self.err) is not None


class Box:
    """One case's private directory, environment and time budget."""
    def __init__(self, opt, limit=None):
        self.opt = opt
        self.top = tempfile.mkdtemp(prefix='omnigraph-case-')
        self.dir = os.path.join(self.top, 'work')
        self.home = os.path.join(self.top, 'home')
        os.mkdir(self.dir)
        os.mkdir(self.home)
        self.end = time.monotonic() + (limit or opt.time_limit)
        self.limit = limit or opt.time_limit
        self.set_env = {}

    def close(self):
        if not self.opt.keep:
            shutil.rmtree(self.top, ignore_errors=True)

    def environ(self, extra=None):
        e = {k: os.environ[k] for k in PASS_ENV if k in os.environ}
        e.update(HOME=self.home, OMNIGRAPH_HOME=os.path.join(self.home, '.og'))
        e.update(self.set_env)
        e.update(extra or {})
        return e

    def path(self, p):
        return os.path.join(self.dir, p)

    def write(self, name, text):
        f = self.path(name)
        os.makedirs(os.path.dirname(f), exist_ok=True)
        with open(f, 'w', encoding='utf-8', newline='') as h:
            h.write(text)
        return name

    def left(self):
        t = self.end - time.monotonic()
        if t <= 0:
            raise Fail(f'time limit of {self.limit:g} s reached')
        return t

    def start(self, args, env=None, stdin=b''):
        try:
            return subprocess.Popen([self.opt.cli, *args], cwd=self.dir, env=self.environ(env), start_new_session=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as x:
            raise Fail(f'cannot start {self.opt.cli}: {x}')

    def finish(self, p, args, stdin=b''):
        try:
            out, err = p.communicate(stdin, timeout=self.left())
        except (subprocess.TimeoutExpired, Fail):
            end_group(p)
            raise Fail(f'time limit of {self.limit:g} s reached in `{Res(args, 0, "", "").cmd()}`')
        return Res(args, p.returncode, out.decode('utf-8', 'replace'), err.decode('utf-8', 'replace'))

    def run(self, *args, env=None, stdin=''):
        args = [str(a) for a in args]
        self.left()
        return self.finish(self.start(args, env), args, stdin.encode())

    def many(self, list_of_args):
        """Runs several commands at the same time, as real processes."""
        self.left()
        ps = [(self.start(a), a) for a in list_of_args]
        out = [None] * len(ps)

        def wait(i):
            try:
                out[i] = self.finish(*ps[i])
            except Fail as x:
                out[i] = x
        ts = [threading.Thread(target=wait, args=(i,)) for i in range(len(ps))]
        for t in ts:
            t.start()
        for t in ts:
            t.join()
        for r in out:
            if isinstance(r, Fail):
                raise r
        return out


def end_group(p):
    """Ends one process started here, with its own children (it leads its own group)."""
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        p.communicate(timeout=5)
    except Exception:
        pass


# ---------------------------------------------------------------- errors

CLASSES = {'bad_request', 'not_found', 'conflict', 'key_conflict', 'resource_limit', 'merge_conflicts',
           'precondition_failed', 'recovery_required', 'already_initialized', 'parentless_commit', 'schema_boundary',
           'change_cursor_rejected', 'change_feed_gap', 'any'}
WORDING = {                                     # used only when no structured error was printed
    'not_found': r'not found|does not exist|no such|unknown',
    'conflict': r'conflict|exist|depends on|descend|only main|branch|in progress|changed',
    'key_conflict': r'key conflict|already (has|exists)|duplicate|already taken',
    'resource_limit': r'limit|exceed|too (large|many|big)|ceiling|maximum',
    'merge_conflicts': r'merge conflict',
    'recovery_required': r'recover',
    'already_initialized': r'already|exist|refus',
    'parentless_commit': r'parent|genesis|first commit',
    'schema_boundary': r'schema',
    'change_cursor_rejected': r'cursor|token',
    'change_feed_gap': r'gap|reclaimed|unreadable|no longer',
}
DETAILS = (('precondition_failure', 'precondition_failed'), ('merge_conflicts', 'merge_conflicts'),
           ('key_conflict', 'key_conflict'), ('resource_limit', 'resource_limit'),
           ('recovery_required', 'recovery_required'), ('change_feed_gap', 'change_feed_gap'))


def classes_of(r):
    """The classes a structured error belongs to; None when there was no structured error."""
    d = r.error_doc()
    if d is None or not any(k in d for k in ('error', 'code', *[a for a, _ in DETAILS])):
        return None
    got = {c for k, c in DETAILS if d.get(k)}
    ref = d.get('change_diff_refusal')
    if isinstance(ref, dict):
        got.add(ref.get('reason'))
    if d.get('read_set_conflict') or d.get('published_dataset_version_conflict'):
        got.add('conflict')
    msg = str(d.get('error', ''))
    if re.match(r'change cursor rejected', msg, re.I):
        got |= {'change_cursor_rejected'}
    if not got and d.get('code'):
        got.add(d['code'])
        if d['code'] in ('conflict', 'bad_request') and re.search(r'already|exist', msg, re.I):
            got.add('already_initialized')
    return got or None


def check_failed(r, what='command'):
    """A refused command: exit 1, 2 or 4, and no crash."""
    if r.rc == 0:
        raise Fail(f'{what}: expected an error, but `{r.cmd()}` exited 0: {short(r.out, 120)}')
    if r.crashed():
        raise Fail(f'{what}: crashed (exit {r.rc}) instead of an error: {r.said()}')
    if r.rc not in (1, 2, 4):
        raise Fail(f'{what}: exit code {r.rc} is not one of 1, 2, 4: {r.said()}')
    if not r.err.strip() and not r.out.strip():
        raise Fail(f'{what}: exit {r.rc} without any message')


def check_class(r, cls):
    check_failed(r, 'error')
    if cls not in CLASSES:
        raise Fail(f'bad case: unknown error class {cls!r}')
    if cls == 'any':
        return
    if (r.rc == 4) != (cls == 'precondition_failed'):
        raise Fail(f'error class {cls}: exit code {r.rc} (4 is for lost preconditions alone): {r.said()}')
    if cls == 'precondition_failed':
        return
    got = classes_of(r)
    if got is not None:
        if cls not in got:
            raise Fail(f'error class: expected {cls}, got {"/".join(sorted(map(str, got)))}: {r.said()}')
    elif cls in WORDING and not re.search(WORDING[cls], r.text(), re.I):
        raise Fail(f'error class: expected {cls}, message does not read like it: {r.said()}')


def check_ok(r):
    if r.rc != 0:
        raise Fail(f'`{r.cmd()}` exit {r.rc}: {r.said()}')
    if CRASH.search(r.err):
        raise Fail(f'`{r.cmd()}` reported a fault: {r.said()}')
    return r


def conflicts_in(r):
    d = r.error_doc()
    if d and isinstance(d.get('merge_conflicts'), list):
        return d['merge_conflicts']
    out = []
    for m in re.finditer(r"(node|edge) type '([^']*)'(?:, entity id '((?:[^'])*)')? \((\w+)\)", r.text()):
        out.append({'entity_kind': m[1], 'type_name': m[2], 'kind': m[4], **({'entity_id': m[3]} if m[3] is not None else {})})
    uniq = []
    for c in out:
        if c not in uniq or d is None:
            uniq.append(c)
    return uniq


def conflict_eq(e, g):
    for k in ('entity_kind', 'type_name', 'kind'):
        if e.get(k) != g.get(k):
            return False
    if 'entity_id' not in e:
        return True
    return g.get('entity_id') == e['entity_id']        # null: must be absent (or null)


# ---------------------------------------------------------------- the CLI, in one place

G = 'g.omni'


def query_args(box, verb, st, graph, branch=None, snapshot=None):
    src, name = st['source'], st.get('name', st.get('query'))
    found = re.findall(r'^\s*query\s+([A-Za-z_]\w*)|[}\s]query\s+([A-Za-z_]\w*)\s*\(', src)
    found = [a or b for a, b in found]
    a = [verb]
    if found == [name] and not src.lstrip().startswith('-'):
        a += ['--store', graph, '-e', src]
    else:
        a += ['--store', graph, '--query', box.write(f'q-{hashlib.sha256(src.encode()).hexdigest()[:10]}.gq', src), name]
    if st.get('params'):
        a += ['--params', dumps(st['params'])]
    if snapshot:
        a += ['--snapshot', snapshot]
    elif branch:
        a += ['--branch', branch]
    return a + ['--json']


def load_args(box, text, mode, graph, branch=None, frm=None, actor=None, tag='d'):
    f = box.write(f'{tag}.jsonl', text)
    a = ['load', '--data', f, '--mode', mode]
    if branch:
        a += ['--branch', branch]
    if frm:
        a += ['--from', frm]
    if actor:
        a += ['--as', actor]
    return a + [graph, '--json']


def rows_of(r):
    d = check_ok(r).doc()
    rows = d.get('rows') if isinstance(d, dict) else None
    if not isinstance(rows, list):
        raise Fail(f'`{r.cmd()}`: no `rows` list in {short(r.out, 120)}')
    if d.get('row_count') is not None and d['row_count'] != len(rows):
        raise Fail(f'row_count {d["row_count"]} but {len(rows)} rows')
    return d, rows


def check_rows(e, d, rows):
    if e.get('ordered'):
        if not veq(e['rows'], rows):
            i = next((i for i, (a, b) in enumerate(zip(e['rows'], rows)) if not veq(a, b)), min(len(rows), len(e['rows'])))
            a = e['rows'][i] if i < len(e['rows']) else '<end>'
            b = rows[i] if i < len(rows) else '<end>'
            raise Fail(f'rows (ordered) differ at {i}: expected {short(a)}, got {short(b)} ({len(e["rows"])} vs {len(rows)} rows)')
    else:
        want_bag('rows', e['rows'], rows)
    if 'columns' in e:
        want('columns', e['columns'], d.get('columns', []))


def export_lines(box, graph, branch=None, types=()):
    a = ['export', graph] + (['--branch', branch] if branch else [])
    for t in types:
        a += ['--type', t]
    return box.run(*a)


def lines_of(r):
    check_ok(r)
    out = []
    for l in r.out.splitlines():
        if l.strip():
            try:
                out.append(loads(l))
            except ValueError:
                raise Fail(f'export line is not JSON: {short(l)}')
    return out


def commits(box, graph, branch=None):
    d = check_ok(box.run('commit', 'list', graph, *(['--branch', branch] if branch else []), '--json')).doc()
    c = d.get('commits') if isinstance(d, dict) else None
    if not isinstance(c, list) or not c or not all(isinstance(x, dict) and x.get('graph_commit_id') for x in c):
        raise Fail('commit list: no `commits` with `graph_commit_id`')
    return c


def fingerprint(box, graph, branch):
    """What a refused write must leave alone: branches, the branch's head, its whole content."""
    def get(f):
        try:
            return f()
        except Fail as x:
            if 'time limit' in str(x):
                raise
            return 'unreadable'
    return {'branches': get(lambda: sorted(check_ok(box.run('branch', 'list', '--uri', graph, '--json')).doc().get('branches', []))),
            'head': get(lambda: commits(box, graph, branch)[0]['graph_commit_id']),
            'content': get(lambda: sorted(check_ok(export_lines(box, graph, branch)).out.splitlines()))}


def same_state(before, after, what):
    for k in before:
        if before[k] != after[k]:
            a = [x for x in before[k] if x not in after[k]][:2] if isinstance(before[k], list) else before[k]
            b = [x for x in after[k] if x not in before[k]][:2] if isinstance(after[k], list) else after[k]
            raise Fail(f'{what} failed but left an effect on {k}: before {short(a, 120)}, after {short(b, 120)}')


def step_list(d):
    s = d.get('steps')
    if not isinstance(s, list):
        raise Fail('schema document has no `steps` list')
    return s


# ---------------------------------------------------------------- languages suite

LANG = {'query': ({'source', 'name', 'params'}, {'rows', 'error_contains', 'ordered', 'columns'}),
        'mutate': ({'source', 'name', 'params'}, {'affected', 'error_contains'}),
        'load': ({'source', 'mode'}, {'ok', 'error_contains'}),
        'export': ({'types'}, {'lines', 'ordered', 'error_contains'}),
        'lint': ({'source'}, {'status', 'findings', 'errors', 'warnings', 'infos'}),
        'schema_plan': ({'source', 'allow_data_loss'}, {'supported', 'steps', 'error_contains'})}


class Languages:
    suite = 'languages'

    def __init__(self, case, opt):
        self.c, self.opt = case, opt
        self.skips = []

    @staticmethod
    def lint(c):
        bad = [f'unknown key {k}' for k in c.keys() - {'name', 'schema', 'schema_error_contains', 'data', 'mode', 'steps',
                                                       'ext', 'why', 'unsure'}]
        for i, s in enumerate(c.get('steps', [])):
            k = LANG.get(s.get('kind'))
            if not k:
                bad.append(f'step {i}: unknown kind {s.get("kind")}')
                continue
            bad += [f'step {i}: unknown key {x}' for x in s.keys() - k[0] - {'kind', 'expect'}]
            bad += [f'step {i}: unknown expectation {x}' for x in s.get('expect', {}).keys() - k[1]]
            if not s.get('expect'):
                bad.append(f'step {i}: nothing expected')
        if not c.get('steps') and 'schema_error_contains' not in c:
            bad.append('nothing to check')
        return bad

    def run(self):
        self.once(False)
        if any(SEARCHY.search(s.get('source', '')) for s in self.c.get('steps', []) if s['kind'] == 'query'):
            try:
                self.once(True)
            except Fail as x:
                raise Fail(f'with indexes built: {x}')

    def once(self, indexed):
        box = self.box = Box(self.opt)
        try:
            box.write('schema.pg', self.c['schema'])
            r = box.run('init', '--schema', 'schema.pg', G)
            if 'schema_error_contains' in self.c:
                check_failed(r, 'init')
                self.contains(r, self.c['schema_error_contains'])
                if box.run('snapshot', G, '--json').rc == 0:
                    raise Fail('init was refused but left a graph behind')
                box.write('fine.pg', 'node Fine { k: String @key }\n')        # the refusal was about this schema, not about init
                check_ok(box.run('init', '--schema', 'fine.pg', 'fine.omni'))
                return
            check_ok(r)
            if self.c.get('data', '').strip():
                check_ok(box.run(*load_args(box, self.c['data'], self.c['mode'], G)))
            dirty = indexed
            for i, st in enumerate(self.c['steps']):
                try:
                    if dirty and st['kind'] == 'query':
                        check_ok(box.run('optimize', G, '--json'))
                        dirty = False
                    getattr(self, 'do_' + st['kind'])(st, st['expect'])
                    dirty = dirty or indexed and st['kind'] in ('load', 'mutate')
                except Fail as x:
                    raise Fail(f'step {i} {st["kind"]}: {x}')
        finally:
            box.close()

    @staticmethod
    def contains(r, text):
        if text not in r.text():
            raise Fail(f'error message: expected it to contain {text!r}, got {r.said()}')

    def refused(self, args, text):
        before = fingerprint(self.box, G, 'main')
        r = self.box.run(*args)
        check_failed(r)
        self.contains(r, text)
        same_state(before, fingerprint(self.box, G, 'main'), args[0])

    def do_query(self, st, e):
        r = self.box.run(*query_args(self.box, 'query', st, G))
        if 'error_contains' in e:
            check_failed(r)
            return self.contains(r, e['error_contains'])
        d, rows = rows_of(r)
        check_rows(e, d, rows)

    def do_mutate(self, st, e):
        a = query_args(self.box, 'mutate', st, G)
        if 'error_contains' in e:
            return self.refused(a, e['error_contains'])
        d = check_ok(self.box.run(*a)).doc()
        want('affected', e['affected'], {'nodes': d.get('affected_nodes'), 'edges': d.get('affected_edges')})

    def do_load(self, st, e):
        a = load_args(self.box, st['source'], st['mode'], G)
        if 'error_contains' in e:
            return self.refused(a, e['error_contains'])
        check_ok(self.box.run(*a)).doc()

    def do_export(self, st, e):
        r = export_lines(self.box, G, None, st['types'])
        if 'error_contains' in e:
            check_failed(r)
            return self.contains(r, e['error_contains'])
        got = lines_of(r)
        if e.get('ordered'):
            want('export lines', e['lines'], got)
        else:
            want_bag('export lines', e['lines'], got)

    def do_lint(self, st, e):
        r = self.box.run('lint', '--query', self.box.write('lint.gq', st['source']), G, '--json')
        d = r.doc()
        want('lint status', e.get('status', d.get('status')), d.get('status'))
        want('lint exit code', 1 if d.get('status') == 'error' else 0, r.rc)
        for k in ('errors', 'warnings', 'infos'):
            if k in e:
                want('lint ' + k, e[k], d.get(k))
        if 'findings' in e:
            want_bag('lint findings', e['findings'], d.get('findings', []), subset)

    def do_schema_plan(self, st, e):
        f = self.box.write('next.pg', st['source'])
        r = self.box.run('schema', 'plan', '--schema', f, *(['--allow-data-loss'] if st.get('allow_data_loss') else []), G, '--json')
        if 'error_contains' in e:
            check_failed(r)
            return self.contains(r, e['error_contains'])
        d = check_ok(r).doc()
        if 'supported' in e:
            want('supported', e['supported'], d.get('supported'))
        if 'steps' in e:
            got = step_list(d)
            if len(got) != len(e['steps']):
                raise Fail(f'plan steps: expected {len(e["steps"])}, got {short(got)}')
            for i, (a, b) in enumerate(zip(e['steps'], got)):
                want(f'plan step {i}', a, b, subset)


# ---------------------------------------------------------------- engine suite

MSG = {'error', 'message_contains'}
ENGINE = {
    'load': ({'branch', 'mode', 'data', 'data_from', 'from', 'actor', 'graph'},
             MSG | {'branch_created', 'nodes_loaded', 'edges_loaded', 'entity_kind', 'type_name', 'entity_id'}),
    'load_generated': ({'branch', 'mode', 'type', 'template', 'count'}, MSG | {'limit', 'actual', 'nodes_loaded'}),
    'mutate': ({'branch', 'source', 'query', 'params', 'actor', 'if_commit', 'handle'},
               MSG | {'affected_nodes', 'affected_edges', 'commit', 'expected', 'actual', 'exit_code'}),
    'query': ({'branch', 'source', 'query', 'params', 'snapshot', 'manifest_version', 'handle'}, MSG | {'rows', 'ordered', 'columns'}),
    'count': ({'type', 'branch', 'snapshot', 'handle'}, {'count', 'error'}),
    'entity': ({'type', 'id', 'branch'}, {'entity'}),
    'branch_create': ({'name', 'from'}, MSG), 'branch_delete': ({'name'}, MSG), 'branch_list': (set(), {'branches'}),
    'branch_merge': ({'source', 'into', 'actor', 'delete_branch'},
                     MSG | {'outcome', 'conflicts', 'exact', 'branch_deleted', 'branch_delete_error'}),
    'capture_head': ({'branch', 'as'}, set()),
    'head_check': ({'branch'}, {'same_as', 'first_parent', 'merged_parent', 'new_commits', 'actor'}),
    'commit_list': ({'branch', 'handle'}, {'count', 'first_parent_of_newest', 'actors_newest_first', 'linear', 'genesis_last',
                                           'id_pattern', 'manifest_versions_strictly_decreasing', 'merge_commits'}),
    'commit_changes': ({'commit', 'page_token'}, MSG | {'changes', 'order', 'type_name'}),
    'commit_changes_paged': ({'commit', 'max_changes'}, {'pages', 'ids_sorted', 'total'}),
    'diff': ({'from', 'to', 'filter'}, MSG | {'changes', 'table_order'}),
    'feed_poll': ({'start', 'cursor', 'as', 'max_commits', 'branch', 'filter', 'tamper'},
                  MSG | {'blocks', 'caught_up', 'first_unreadable_commit_id', 'commits', 'block_changes', 'merged_parent_set'}),
    'feed_baseline': ({'as'}, {'records', 'snapshot_commit'}),
    'schema_plan': ({'schema', 'allow_data_loss'}, {'supported', 'codes', 'modes', 'steps', 'step_set'}),
    'schema_apply': ({'schema', 'allow_data_loss'}, MSG | {'applied', 'modes', 'steps', 'step_set'}),
    'schema_show': (set(), {'equivalent_to_input'}),
    'snapshot': ({'branch', 'as', 'snapshot'}, {'native_branch', 'manifest_version_delta_from', 'datasets_equal', 'path_differs',
                                                'dataset_version', 'dataset_versions_equal', 'same_path_and_version',
                                                'property_present', 'types'}),
    'export': ({'branch', 'as', 'graph', 'types'}, MSG | {'records', 'every_record_has', 'same_set_as'}),
    'optimize': (set(), {'stats_types', 'max_new_commits', 'no_fragments_changed', 'committed_types'}),
    'ensure_indices': ({'branch'}, set()),
    'cleanup': ({'keep', 'older_than'}, MSG | {'ok', 'removed_total', 'removed_versions_at_least'}),
    'init': ({'schema', 'force'}, MSG), 'init_second': ({'schema', 'as'}, set()),
    'set_env': (None, set()), 'open_handle': ({'as'}, set()), 'open_read_only': ({'as'}, set()), 'reopen': (set(), {'error'}),
    'edit_file': ({'path', 'append'}, set()),
    'parallel': ({'times', 'do'}, {'succeed', 'others', 'all_succeed'}),
    'mutate_with_fault': ({'fault', 'branch', 'source', 'query', 'params', 'actor'}, {'error'}),
    'merge_with_fault': ({'fault', 'source', 'into', 'actor'}, {'error'}),
    'load_with_fault': ({'fault', 'branch', 'mode', 'data', 'from', 'actor'}, {'error'}),
    'schema_apply_with_fault': ({'fault', 'schema', 'allow_data_loss'}, {'error'}),
    'files': ({'as'}, {'dir_empty', 'absent', 'present', 'dir_matches', 'identical_to'}),
    'json_file': ({'path'}, None), 'manifest_dump': ({'branch'}, None),
}
FAULTS = {'before_staging', 'after_intent_before_effect', 'after_first_table_effect', 'after_fork_before_commit',
          'after_effects_confirmed_before_publish', 'after_publish_before_promote'}
GUARDED = {'load', 'load_generated', 'mutate', 'branch_create', 'branch_delete', 'branch_merge', 'schema_apply', 'init'}


class Engine:
    suite = 'engine'

    def __init__(self, case, opt):
        self.c, self.opt = case, opt
        self.skips, self.notes = [], []

    @staticmethod
    def lint(c):
        bad = [f'unknown key {k}' for k in c.keys() - {'name', 'why', 'schema', 'steps', 'group', 'note', 'original_engine_suspect'}]
        if not c.get('steps'):
            bad.append('no steps')
        for i, s in enumerate(c.get('steps', [])):
            k = ENGINE.get(s.get('op'))
            if not k:
                bad.append(f'step {i}: unknown op {s.get("op")}')
                continue
            if k[0] is not None:
                bad += [f'step {i}: unknown key {x}' for x in s.keys() - k[0] - {'op', 'expect'}]
            if k[1] is not None:
                bad += [f'step {i}: unknown expectation {x}' for x in s.get('expect', {}).keys() - k[1]]
            if 'error' in s.get('expect', {}) and s['expect']['error'] not in CLASSES:
                bad.append(f'step {i}: unknown error class')
            if 'fault' in s and s['fault'] not in FAULTS:
                bad.append(f'step {i}: unknown fault point')
            if s['op'] == 'parallel' and s['do'].get('op') not in ('mutate', 'load'):
                bad.append(f'step {i}: parallel can do mutate or load')
        if sum(1 for s in c.get('steps', []) if 'fault' in s) > 1:
            bad.append('more than one fault in a case')
        return bad

    def run(self):
        faulty = any('fault' in s for s in self.c['steps'])
        if faulty and self.opt.no_faults:
            raise SkipStep('fault injection is off (--no-faults)', stop=True)
        for mode in (('kill', 'error') if faulty else (None,)):
            self.fault_mode = mode
            self.skips = []
            try:
                self.once()
            except Fail as x:
                raise Fail(f'fault {mode}: {x}' if mode else str(x))

    def once(self):
        # A fault case also runs its rest on copies of the graph, hence the wider budget.
        self.box = box = Box(self.opt, self.opt.time_limit * (2 if self.fault_mode else 1))
        self.labels, self.graphs, self.captured = {}, {None: G}, {}
        self.schema, self.observe, self.checked, self.n = self.c['schema'], False, 0, 0
        try:
            box.write('schema.pg', self.schema)
            check_ok(box.run('init', '--schema', 'schema.pg', G))
            for i, st in enumerate(self.c['steps']):
                if 'fault' in st:
                    self.fault(i, st)
                    break
                if not self.step(i, st):
                    break
        finally:
            box.close()
        if self.skips and not self.checked:
            raise SkipStep(self.skips[0][2], stop=True)

    def step(self, i, st):
        """Runs and checks one step. False: the rest of the case makes no sense without it."""
        try:
            if st['op'] in ENGINE and st.get('expect') and st['op'] not in ('files', 'json_file', 'manifest_dump'):
                self.guarded(st)
                self.checked += 1
            else:
                getattr(self, 'do_' + st['op'])(st, st.get('expect', {}))
        except Fail as x:
            raise Fail(f'step {i} {st["op"]}: {x}')
        except SkipStep as x:
            self.skips.append((i, st['op'], str(x), x.layout))
            return not x.stop
        return True

    def guarded(self, st):
        e = st['expect']
        if 'error' in e and st['op'] in GUARDED:
            b = st.get('into') or st.get('branch') or 'main'
            before = fingerprint(self.box, self.graph(st), b)
            getattr(self, 'do_' + st['op'])(st, e)
            same_state(before, fingerprint(self.box, self.graph(st), b), st['op'])
        else:
            getattr(self, 'do_' + st['op'])(st, e)

    # -- shared

    def graph(self, st):
        return self.graphs[st.get('graph')]

    def ref(self, v):
        """$label, head:b, head-of:b, genesis:b, or a literal."""
        if not isinstance(v, str):
            return v
        m = re.match(r'(.*?)\$(\w+)$', v)
        if m:
            if m[2] not in self.labels:
                raise SkipStep(f'needs ${m[2]}, which a skipped step would have set')
            x = self.labels[m[2]]
            return m[1] + x if m[1] else x
        m = re.match(r'(head|head-of|genesis):(.+)$', v)
        if m:
            c = commits(self.box, G, m[2])
            return c[-1 if m[1] == 'genesis' else 0]['graph_commit_id']
        return v

    def outcome(self, r, e, ok):
        """Common end of a step. In observing mode returns what happened; else checks the error or the success."""
        if self.observe:
            return ['error'] if r.rc else ok(None)
        if 'error' in e:
            check_class(r, e['error'])
            if 'message_contains' in e and e['message_contains'] not in r.text():
                t = f'message does not contain {e["message_contains"]!r}: {r.said()}'
                if self.opt.strict_messages:
                    raise Fail(t)
                self.notes.append(t)
            return ['error']
        check_ok(r)
        return ok(e)

    def detail(self, r, member, exp):
        """Compares fields of a structured error member; without one, its values must appear in the message."""
        d = r.error_doc()
        if d and isinstance(d.get(member), dict):
            want(member, exp, d[member], subset)
        else:
            for k, v in exp.items():
                if k != 'entity_kind' and str(v) not in r.text():
                    raise Fail(f'{member}.{k}: expected {short(v)}, message says {r.said()}')

    # -- writes

    def text_of(self, st):
        if 'data_from' in st:
            return '\n'.join(dumps(x) for x in self.ref(st['data_from'])) + '\n'
        return ''.join(dumps(x) + '\n' for x in st['data'])

    def args_of(self, st, tag='d'):
        if st['op'].startswith('mutate'):
            a = query_args(self.box, 'mutate', st, self.graph(st), st.get('branch'))
            if st.get('if_commit'):
                a += ['--if-commit', self.ref(st['if_commit'])]
            return a + (['--as', st['actor']] if st.get('actor') else [])
        return load_args(self.box, self.text_of(st), st['mode'], self.graph(st), st.get('branch'), st.get('from'), st.get('actor'), tag)

    def loaded(self, r, e):
        def ok(e):
            d = r.doc()
            def table(k):
                return {x['name']: x['entities_loaded'] for x in d.get(k, []) if x['entities_loaded']}
            if e is None:
                return [table('nodes'), table('edges')]
            for k, t in (('nodes_loaded', 'nodes'), ('edges_loaded', 'edges')):
                if k in e:
                    want(k, {a: b for a, b in e[k].items() if b}, table(t))
            if 'branch_created' in e:
                want('branch_created', e['branch_created'], d.get('branch_created'))
        n = self.outcome(r, e, ok)
        if not self.observe and 'error' in e:
            kc = {k: e[k] for k in ('entity_kind', 'type_name', 'entity_id') if k in e}
            if kc:
                self.detail(r, 'key_conflict', kc)
            rl = {k: e[k] for k in ('limit', 'actual') if k in e}
            if rl:
                self.detail(r, 'resource_limit', rl)
        return n

    def do_load(self, st, e):
        return self.loaded(self.box.run(*self.args_of(st)), e)

    def do_load_generated(self, st, e):
        data = [{'type': st['type'], 'data': unindex(st['template'], i)} for i in range(st['count'])]
        return self.loaded(self.box.run(*self.args_of({**st, 'data': data})), e)

    def do_mutate(self, st, e):
        if st.get('handle') and e.get('error'):
            raise SkipStep('the CLI has no read-only open')
        r = self.box.run(*self.args_of(st))

        def ok(e):
            d = r.doc()
            got = [d.get('affected_nodes'), d.get('affected_edges'), d.get('commit') is not None]
            if e is None:
                return got
            for k in ('affected_nodes', 'affected_edges'):
                if k in e:
                    want(k, e[k], d.get(k))
            if 'commit' in e:
                want('a commit was published', e['commit'], got[2])
                if got[2] and not (isinstance(d['commit'], dict) and d['commit'].get('graph_commit_id')):
                    raise Fail('`commit` has no graph_commit_id')
        n = self.outcome(r, e, ok)
        if not self.observe and 'error' in e:
            if 'exit_code' in e:
                want('exit code', e['exit_code'], r.rc)
            pf = {k: self.ref(e[k]) for k in ('expected', 'actual') if k in e}
            if pf:
                self.detail(r, 'precondition_failure', pf)
        return n

    def do_branch_create(self, st, e):
        return self.outcome(self.box.run('branch', 'create', st['name'], '--from', st['from'], '--uri', G, '--json'), e, lambda e: ['ok'])

    def do_branch_delete(self, st, e):
        return self.outcome(self.box.run('branch', 'delete', st['name'], '--uri', G, '--json'), e, lambda e: ['ok'])

    def do_branch_list(self, st, e):
        r = self.box.run('branch', 'list', '--uri', G, '--json')

        def ok(e):
            got = r.doc().get('branches', [])
            if e is None:
                return sorted(got)
            if 'branches' in e:
                want('branches', sorted(e['branches']), sorted(got))
        return self.outcome(r, e, ok)

    def merge_args(self, st):
        return ['branch', 'merge', st['source'], '--into', st['into'], '--uri', G,
                *(['--delete-branch'] if st.get('delete_branch') else []), *(['--as', st['actor']] if st.get('actor') else []), '--json']

    def do_branch_merge(self, st, e):
        r = self.box.run(*self.merge_args(st))

        def ok(e):
            d = r.doc()
            if e is None:
                return [d.get('outcome')]
            for k in ('outcome', 'branch_deleted'):
                if k in e:
                    want(k, e[k], d.get(k, False if k == 'branch_deleted' else None))
            if 'branch_delete_error' in e:
                want('branch_delete_error is set', e['branch_delete_error'], bool(d.get('branch_delete_error')))
        n = self.outcome(r, e, ok)
        if not self.observe and 'conflicts' in e:
            got = conflicts_in(r)
            missing, extra = match_bag(e['conflicts'], got, conflict_eq)
            if missing or (extra and e.get('exact')):
                raise Fail(f'merge conflicts: missing {short(missing)}; unexpected {short(extra)}')
        return n

    def schema_args(self, verb, st):
        f = self.box.write(f'next{self.n}.pg', st['schema'])
        self.n += 1
        return ['schema', verb, '--schema', f, *(['--allow-data-loss'] if st.get('allow_data_loss') else []), G, '--json']

    def check_plan(self, d, e):
        s = step_list(d)
        kinds = [x.get('kind') for x in s]
        if 'steps' in e:
            want('step kinds', e['steps'], kinds)
        if 'step_set' in e:
            want('step kinds (any order)', sorted(e['step_set']), sorted(map(str, kinds)))
        if 'modes' in e:
            want('drop modes', e['modes'], [x['mode'] for x in s if x.get('mode')])
        if 'codes' in e:
            want('refusal codes', sorted(e['codes']), sorted({x['code'] for x in s if x.get('code') and x.get('kind') == 'unsupported_change'}))
        for k in ('supported', 'applied'):
            if k in e:
                want(k, e[k], d.get(k))

    def do_schema_plan(self, st, e):
        r = self.box.run(*self.schema_args('plan', st))
        return self.outcome(r, e, lambda e: [x.get('kind') for x in step_list(r.doc())] if e is None else self.check_plan(r.doc(), e))

    def do_schema_apply(self, st, e):
        r = self.box.run(*self.schema_args('apply', st))
        if r.rc == 0:
            self.schema = st['schema']
        return self.outcome(r, e, lambda e: [r.doc().get('applied')] if e is None else self.check_plan(r.doc(), e))

    def do_init(self, st, e):
        f = self.box.write('again.pg', st['schema'])
        return self.outcome(self.box.run('init', '--schema', f, *(['--force'] if st.get('force') else []), G), e, lambda e: ['ok'])

    def do_init_second(self, st, e):
        g = st['as'] + '.omni'
        check_ok(self.box.run('init', '--schema', self.box.write('second.pg', st['schema']), g))
        self.graphs[st['as']] = g

    # -- reads

    def do_query(self, st, e):
        if 'manifest_version' in st:
            raise SkipStep('the CLI addresses the past by commit id, not by manifest version')
        r = self.box.run(*query_args(self.box, 'query', st, self.graph(st), st.get('branch'), self.ref(st.get('snapshot'))))

        def ok(e):
            d, rows = rows_of(r)
            if e is None:
                return canon(rows)
            if 'rows' in e:
                check_rows(e, d, rows)
        return self.outcome(r, e, ok)

    def do_count(self, st, e):
        kind, name = st['type'].split(':', 1)
        if kind == 'node':
            r = self.box.run(*query_args(self.box, 'query', {'source': f'query n() {{ match {{ $x: {name} }} return {{ count($x) as n }} }}',
                                                             'query': 'n'}, G, st.get('branch'), self.ref(st.get('snapshot'))))
            num = lambda: rows_of(r)[1][0]['n'] if rows_of(r)[1] else 0
        elif st.get('snapshot'):
            raise SkipStep('edges of a past commit cannot be counted through the CLI')
        else:
            r = export_lines(self.box, G, st.get('branch'), [name])
            num = lambda: sum(1 for x in lines_of(r) if x.get('edge') == name)

        def ok(e):
            if e is None:
                return [num()]
            if 'count' in e:
                want('count of ' + st['type'], e['count'], num())
        return self.outcome(r, e, ok)

    def do_entity(self, st, e):
        kind, name = st['type'].split(':', 1)
        r = export_lines(self.box, G, st.get('branch'), [name])

        def ok(e):
            hit = [x for x in lines_of(r) if x.get('type' if kind == 'node' else 'edge') == name and x.get('data', {}).get('id') == st['id']]
            if e is None:
                return canon(hit)
            if e['entity'] is None:
                if hit:
                    raise Fail(f'entity {st["id"]} should be absent, got {short(hit[0])}')
                return
            if not hit:
                raise Fail(f'entity {st["id"]} not found')
            want('entity', e['entity'], hit[0]['data'], subset)
        return self.outcome(r, e, ok)

    def do_export(self, st, e):
        r = export_lines(self.box, self.graph(st), st.get('branch'), st.get('types', ()))

        def ok(e):
            got = lines_of(r)
            if 'as' in st:
                self.labels[st['as']] = got
            if e is None:
                return canon(got)
            if 'records' in e:
                want('export records', e['records'], len(got))
            if 'every_record_has' in e:
                for x in got:
                    v = x
                    for k in e['every_record_has'].split('.'):
                        v = v.get(k) if isinstance(v, dict) else None
                    if v is None:
                        raise Fail(f'export record without {e["every_record_has"]}: {short(x)}')
            if 'same_set_as' in e:
                want_bag('export', self.ref(e['same_set_as']), got)
        return self.outcome(r, e, ok)

    def do_schema_show(self, st, e):
        r = self.box.run('schema', 'show', G, '--json')

        def norm(t):
            return re.sub(r'\s+', ' ', re.sub(r'//[^\n]*|/\*.*?\*/', ' ', t, flags=re.S)).strip()

        def ok(e):
            s = r.doc().get('schema_source', '')
            if e is None:
                return [norm(s)]
            if e.get('equivalent_to_input'):
                want('schema source (without comments and spacing)', norm(self.c['schema']), norm(s))
        return self.outcome(r, e, ok)

    def do_snapshot(self, st, e):
        if 'snapshot' in st:
            raise SkipStep('the CLI prints snapshot documents of branches only, not of past commits')
        r = self.box.run('snapshot', G, '--branch', st['branch'], '--json')

        def ok(e):
            d = r.doc()
            sets = {f'{x["entity_kind"]}:{x["type_name"]}': x for x in d.get('datasets', [])}
            if 'as' in st:
                self.labels[st['as']] = {'doc': d, 'sets': sets}
            if e is None:
                return [sorted(sets), {k: v.get('entity_count') for k, v in sorted(sets.items())}]
            if 'types' in e:
                want('snapshot types', sorted(e['types']), sorted(sets))

            def at(key, where=sets):
                if key not in where:
                    raise Fail(f'no dataset {key} in the snapshot: {short(sorted(where))}')
                return where[key]
            for k, v in e.get('native_branch', {}).items():
                want(f'native branch of {k}', v, at(k).get('native_dataset_branch'))
            for k, v in e.get('dataset_version', {}).items():
                want(f'dataset version of {k}', v, at(k).get('published_dataset_version'))
            if 'manifest_version_delta_from' in e:
                old = self.ref(e['manifest_version_delta_from'][0])['doc']['graph_manifest_version']
                want('manifest version step', e['manifest_version_delta_from'][1], d['graph_manifest_version'] - old)
            if 'datasets_equal' in e:
                want('datasets', self.ref(e['datasets_equal'])['sets'], sets)
            if 'dataset_versions_equal' in e:
                want('dataset versions', {k: v.get('published_dataset_version') for k, v in self.ref(e['dataset_versions_equal'])['sets'].items()},
                     {k: v.get('published_dataset_version') for k, v in sets.items()})
            for lab, key in e.get('path_differs', []):
                if at(key, self.ref(lab)['sets']).get('dataset_path') == at(key).get('dataset_path'):
                    raise Fail(f'{key} kept its dataset path {at(key).get("dataset_path")}')
            for lab, a, b in e.get('same_path_and_version', []):
                for f in ('dataset_path', 'published_dataset_version'):
                    want(f'{f} of {b}', at(a, self.ref(lab)['sets']).get(f), at(b).get(f))
        return self.outcome(r, e, ok)

    # -- history

    def do_capture_head(self, st, e):
        h = commits(self.box, G, st['branch'])[0]['graph_commit_id']
        self.labels[st['as']] = h
        self.captured[st['branch']] = h

    def do_head_check(self, st, e):
        cs = commits(self.box, G, st['branch'])
        head, by = cs[0], {c['graph_commit_id']: c for c in cs}
        got = {}
        if 'same_as' in e:
            got['same_as'] = (self.ref(e['same_as']), head['graph_commit_id'])
        if 'first_parent' in e:
            got['first_parent'] = (self.ref(e['first_parent']), head.get('parent_commit_id'))
        if 'merged_parent' in e:
            got['merged_parent'] = (self.ref(e['merged_parent']), head.get('merged_parent_commit_id'))
        if 'actor' in e:
            got['actor'] = (e['actor'], head.get('actor_id'))
        if 'new_commits' in e:
            n, at, start = 0, head, self.captured.get(st['branch'])
            while at and at['graph_commit_id'] != start:
                n, at = n + 1, by.get(at.get('parent_commit_id'))
            got['new_commits'] = (e['new_commits'], n)
        if self.observe:
            start = self.captured.get(st['branch'])
            return [head['graph_commit_id'] == start, head.get('parent_commit_id') == start, head.get('actor_id')]
        for k, (a, b) in got.items():
            want('head ' + k, a, b)

    def do_commit_list(self, st, e):
        cs = commits(self.box, G, st['branch'])
        if self.observe:
            return [len(cs), [c.get('actor_id') for c in cs]]
        ids = [c['graph_commit_id'] for c in cs]
        if 'count' in e:
            want('commits (genesis included)', e['count'], len(cs))
        if 'first_parent_of_newest' in e:
            want('first parent of the newest', self.ref(e['first_parent_of_newest']), cs[0].get('parent_commit_id'))
        if 'actors_newest_first' in e:
            want('actors', e['actors_newest_first'], [c.get('actor_id') for c in cs])
        if e.get('linear'):
            for a, b in zip(cs, cs[1:]):
                want(f'parent of {a["graph_commit_id"]}', b['graph_commit_id'], a.get('parent_commit_id'))
        if e.get('genesis_last') and cs[-1].get('parent_commit_id') is not None:
            raise Fail('the last commit of the list has a parent')
        if 'id_pattern' in e:
            for i in ids:
                if not re.search(e['id_pattern'], i):
                    raise Fail(f'commit id {i} does not match {e["id_pattern"]}')
        if len(set(ids)) != len(ids):
            raise Fail('a commit is listed twice')
        if e.get('manifest_versions_strictly_decreasing'):
            v = [c.get('graph_manifest_version') for c in cs]
            if not all(a > b for a, b in zip(v, v[1:])):
                raise Fail(f'manifest versions do not decrease: {v}')
        if 'merge_commits' in e:
            want('merge commits', e['merge_commits'], sum(1 for c in cs if c.get('merged_parent_commit_id')))

    @staticmethod
    def type_name(c):
        t = c.get('type')
        return t.get('name') if isinstance(t, dict) else t

    @classmethod
    def change_eq(cls, e, g):
        if e.get('kind') != g.get('kind') or e.get('op') != g.get('op') or e.get('type') != cls.type_name(g):
            return False
        if 'id' in e and e['id'] != g.get('id'):
            return False

        def ends(x):
            x = x or {}
            return [x.get('from', x.get('src')), x.get('to', x.get('dst'))]
        for side in ('before', 'after'):
            if side not in e:
                continue
            if e[side] is None:
                if g.get(side) is not None:
                    return False
                continue
            h = g.get(side)
            if not isinstance(h, dict):
                return False
            for k, v in e[side].get('properties', {}).items():
                if not veq(v, h.get('properties', {}).get(k)):
                    return False
            if 'endpoints' in e[side] and ends(e[side]['endpoints']) != ends(h.get('endpoints')):
                return False
        if 'endpoints' in e:
            got = g.get('endpoints') or (g.get('after') or {}).get('endpoints') or (g.get('before') or {}).get('endpoints')
            if ends(e['endpoints']) != ends(got):
                return False
        return True

    def do_commit_changes(self, st, e):
        a = ['commit', 'changes', self.ref(st['commit']), '--uri', G]
        if 'page_token' in st:
            a += ['--page-token', st['page_token']]
        r = self.box.run(*a, '--json')

        def ok(e):
            got = r.doc().get('changes', [])
            if e is None:
                return canon([[c.get('kind'), self.type_name(c), c.get('id'), c.get('op')] for c in got])
            if 'changes' in e:
                want_bag('changes', e['changes'], got, self.change_eq)
            if 'order' in e:
                want('order of kinds', e['order'], [c.get('kind') for c in got])
        n = self.outcome(r, e, ok)
        if not self.observe and 'error' in e and 'type_name' in e:
            self.detail(r, 'change_diff_refusal', {'type_name': e['type_name']})
        return n

    def do_commit_changes_paged(self, st, e):
        sizes, ids, token, cid = [], [], None, self.ref(st['commit'])
        while len(sizes) < 1000:
            d = check_ok(self.box.run('commit', 'changes', cid, '--uri', G, '--limit', st['max_changes'],
                                      *(['--page-token', token] if token else []), '--json')).doc()
            sizes.append(len(d.get('changes', [])))
            ids += [c.get('id') for c in d.get('changes', [])]
            token = d.get('next_page_token')
            if not token:
                break
        if 'pages' in e:
            want('page sizes', e['pages'], sizes)
        if 'total' in e:
            want('total changes', e['total'], len(ids))
        if e.get('ids_sorted') and ids != sorted(ids):
            raise Fail(f'ids are not sorted: {short(ids)}')

    @staticmethod
    def filters(st):
        f, a = st.get('filter', {}), []
        for k, flag in (('kinds', '--kind'), ('types', '--type'), ('ops', '--op')):
            for v in f.get(k, []):
                a += [flag, v]
        return a

    def do_diff(self, st, e):
        r = self.box.run('diff', '--from', self.ref(st['from']), '--to', self.ref(st['to']), '--uri', G, *self.filters(st), '--json')

        def ok(e):
            got = r.doc().get('changes', [])
            if e is None:
                return canon([[c.get('kind'), self.type_name(c), c.get('id'), c.get('op')] for c in got])
            if 'changes' in e:
                want_bag('changes', e['changes'], got, self.change_eq)
            if 'table_order' in e:
                seen = []
                for c in got:
                    t = f'{c.get("kind")}:{self.type_name(c)}'
                    if t not in seen:
                        seen.append(t)
                want('order of types', e['table_order'], seen)
        return self.outcome(r, e, ok)

    def do_feed_poll(self, st, e):
        if 'max_commits' in st:
            raise SkipStep('the CLI pages by itself and has no ceiling of commits per poll')
        a = ['changes', 'poll', '--uri', G]
        if 'branch' in st:
            a += ['--branch', st['branch']]
        if 'cursor' in st:
            c = self.ref(st['cursor'])
            if st.get('tamper'):
                k = len(c) // 2
                c = c[:k] + ('A' if c[k] != 'A' else 'B') + c[k + 1:]
            a += ['--cursor', c]
        else:
            a += ['--start', self.ref(st['start'])]
        r = self.box.run(*a, *self.filters(st), '--json')

        def ok(e):
            d = r.doc()
            b = d.get('blocks', [])
            if 'as' in st:
                if not d.get('cursor'):
                    raise Fail('changes poll: no cursor')
                self.labels[st['as']] = d['cursor']
            ids = [x.get('cause', {}).get('graph_commit_id') for x in b]
            if e is None:
                return [len(b), d.get('caught_up')]
            if 'blocks' in e:
                want('blocks', e['blocks'], len(b))
            if 'commits' in e:
                want('commits of the feed', [self.ref(x) for x in e['commits']], ids)
            if 'caught_up' in e:
                want('caught_up', e['caught_up'], d.get('caught_up'))
            if 'merged_parent_set' in e:
                want('merged parents set', e['merged_parent_set'], [bool(x.get('cause', {}).get('merged_parent_commit_id')) for x in b])
            if 'block_changes' in e:
                want('blocks', len(e['block_changes']), len(b))
                for x, y in zip(e['block_changes'], b):
                    want_bag('changes of a block', x, [[c.get('kind'), self.type_name(c), c.get('id'), c.get('op')] for c in y.get('changes', [])])
        n = self.outcome(r, e, ok)
        if not self.observe and 'first_unreadable_commit_id' in e:
            self.detail(r, 'change_feed_gap', {'first_unreadable_commit_id': self.ref(e['first_unreadable_commit_id'])})
        return n

    def do_feed_baseline(self, st, e):
        r = check_ok(self.box.run('changes', 'baseline', '--uri', G, '--out', 'baseline.ndjson', '--json'))
        d = r.doc()
        if 'as' in st:
            self.labels[st['as']] = d.get('resume_cursor')
        with open(self.box.path('baseline.ndjson'), encoding='utf-8') as h:
            n = [l for l in h if l.strip()]
        if 'records' in e:
            want('baseline records', e['records'], len(n))
        if 'snapshot_commit' in e:
            want('baseline commit', self.ref(e['snapshot_commit']), d.get('snapshot_commit_id'))

    # -- maintenance

    def do_optimize(self, st, e):
        before = len(commits(self.box, G, 'main')) if 'max_new_commits' in e else 0
        r = check_ok(self.box.run('optimize', G, '--json'))
        ds = r.doc().get('datasets')
        if not isinstance(ds, list):
            raise Fail('optimize: no `datasets` list')
        if 'stats_types' in e:
            # the manifest's own row belongs to one particular layout
            drop = set() if self.opt.layout else {'__manifest'}
            want('optimized datasets', sorted(set(e['stats_types']) - drop), sorted({x.get('type_key') for x in ds} - drop))
        if e.get('no_fragments_changed'):
            for x in ds:
                if x.get('fragments_removed') or x.get('fragments_added'):
                    raise Fail(f'optimize changed fragments: {short(x)}')
        if 'committed_types' in e:
            want('datasets with a new version', sorted(e['committed_types']), sorted(x.get('type_key') for x in ds if x.get('committed') and x.get('type_key') != '__manifest'))
        if 'max_new_commits' in e:
            n = len(commits(self.box, G, 'main')) - before
            if n > e['max_new_commits']:
                raise Fail(f'optimize added {n} commits, at most {e["max_new_commits"]} expected')

    def do_ensure_indices(self, st, e):
        check_ok(self.box.run('optimize', G, '--json'))

    def do_cleanup(self, st, e):
        a = ['cleanup', G]
        if 'keep' in st:
            a += ['--keep', st['keep']]
        if 'older_than' in st:
            a += ['--older-than', st['older_than']]
        r = self.box.run(*a, '--confirm', '--json')

        def ok(e):
            ds = r.doc().get('datasets', [])
            if e is None:
                return ['ok']
            for x in ds:
                if x.get('error'):
                    raise Fail(f'cleanup error: {short(x)}')
            if 'removed_total' in e:
                want('removed versions', e['removed_total'], sum(x.get('old_versions_removed') or 0 for x in ds))
            for k, n in e.get('removed_versions_at_least', {}).items():
                got = sum(x.get('old_versions_removed') or 0 for x in ds if x.get('type_key') == k)
                if got < n:
                    raise Fail(f'cleanup removed {got} versions of {k}, at least {n} expected')
        return self.outcome(r, e, ok)

    # -- process and disk

    def do_set_env(self, st, e):
        self.box.set_env.update({k: v for k, v in st.items() if k != 'op'})

    def do_open_handle(self, st, e):
        pass                                                  # every command is a new process anyway

    do_open_read_only = do_open_handle

    def do_reopen(self, st, e):
        if 'error' in e and not self.observe:
            check_class(self.box.run('snapshot', G, '--json'), e['error'])

    def do_edit_file(self, st, e):
        f = self.box.path(os.path.join(G, st['path']))
        if not os.path.exists(f):
            raise SkipStep(f'this build keeps no {st["path"]} in the graph directory', stop=True)
        with open(f, 'a', encoding='utf-8') as h:
            h.write(st['append'])

    def tree(self):
        out = {}
        for d, _, fs in os.walk(self.box.path(G)):
            for f in fs:
                p = os.path.join(d, f)
                with open(p, 'rb') as h:
                    out[os.path.relpath(p, self.box.path(G))] = hashlib.sha256(h.read()).hexdigest()
        return out

    def do_files(self, st, e):
        if not self.opt.layout:
            raise SkipStep('layout probe (--layout not given)', layout=True)
        P = lambda p: self.box.path(os.path.join(G, p))
        if 'as' in st:
            self.labels[st['as']] = self.tree()
        if 'dir_empty' in e and os.path.isdir(P(e['dir_empty'])) and os.listdir(P(e['dir_empty'])):
            raise Fail(f'{e["dir_empty"]} is not empty: {short(os.listdir(P(e["dir_empty"])))}')
        for p in e.get('absent', []):
            if os.path.exists(P(p)):
                raise Fail(f'{p} should not exist')
        for p in e.get('present', []):
            if not os.path.exists(P(p)):
                raise Fail(f'{p} is missing')
        for d, pat in e.get('dir_matches', {}).items():
            names = os.listdir(P(d)) if os.path.isdir(P(d)) else []
            if not names or not all(re.search(pat, n) for n in names):
                raise Fail(f'names under {d}: {short(names)} do not all match {pat}')
        if 'identical_to' in e:
            want('files of the graph', self.ref(e['identical_to']), self.tree())
        self.checked += bool(e)

    def do_json_file(self, st, e):
        if not self.opt.layout:
            raise SkipStep('layout probe (--layout not given)', layout=True)
        try:
            with open(self.box.path(os.path.join(G, st['path'])), encoding='utf-8') as h:
                d = loads(h.read())
        except (OSError, ValueError) as x:
            raise Fail(f'{st["path"]}: {x}')
        for k, v in e.items():
            if k == 'property_ids':
                got = {f'{t.get("name")}.{p.get("name")}': p.get('property_id', p.get('id'))
                       for kind in ('nodes', 'edges') for t in d.get(kind, []) for p in t.get('properties', [])}
                want('property ids', v, {a: got.get(a) for a in v})
                continue
            x = d
            for part in k.split('.'):
                try:
                    x = x[int(part)] if isinstance(x, list) else x[part]
                except (KeyError, IndexError, TypeError, ValueError):
                    raise Fail(f'{st["path"]}: no {k}')
            want(f'{st["path"]} {k}', v, x)
        self.checked += 1

    def do_manifest_dump(self, st, e):
        raise SkipStep('layout probe: the manifest table is not readable through the CLI', layout=True)

    # -- concurrency

    def do_parallel(self, st, e):
        rs = self.box.many([self.args_of({**unindex(st['do'], i), **({'source': st['do']['source']} if 'source' in st['do'] else {})}, f'par{i}') for i in range(st['times'])])
        good = [r for r in rs if r.rc == 0]
        bad = [r for r in rs if r.rc != 0]
        n = len(rs) if e.get('all_succeed') else e.get('succeed')
        if n is not None and len(good) != n:
            raise Fail(f'of {len(rs)} concurrent commands {len(good)} succeeded, expected {n}' + (f': {bad[0].said()}' if bad else ''))
        for r in bad:
            if 'others' in e:
                check_class(r, e['others'])
            else:
                check_failed(r)

    # -- faults

    def fault(self, i, st):
        """Runs the command with the fault, then the rest of the case. What follows must look like the state before
        the command or like the state after it: the case's own expectations, or, failing that, exactly what the same
        steps show on an untouched copy (old state) or on a copy where the command ran undisturbed (new state)."""
        box, rest = self.box, self.c['steps'][i + 1:]
        op = st['op'].removesuffix('_with_fault')
        plain = {'mutate': lambda: self.args_of(st), 'load': lambda: self.args_of(st), 'merge': lambda: self.merge_args(st),
                 'schema_apply': lambda: self.schema_args('apply', st)}[op]
        args = plain()
        pre, post = os.path.join(box.top, 'pre'), os.path.join(box.top, 'post')
        shutil.copytree(box.dir, pre, symlinks=True)
        r = box.run(*args, env={'OMNIGRAPH_FAULT': f'{st["fault"]}:{self.fault_mode}'})
        if r.rc == 0:
            raise Fail(f'step {i} {st["op"]}: fault point {st["fault"]} did not fire (exit 0)')
        if self.fault_mode == 'error' and r.crashed():
            raise Fail(f'step {i} {st["op"]}: crashed (exit {r.rc}) where the fault should return an error: {r.said()}')
        shutil.copytree(box.dir, post, symlinks=True)
        saved = copy.deepcopy((self.labels, self.captured, self.graphs, self.schema, self.n, dict(box.set_env)))

        def restore(src):
            shutil.rmtree(box.dir)
            shutil.copytree(src, box.dir, symlinks=True)
            self.labels, self.captured, self.graphs, self.schema, self.n, box.set_env = copy.deepcopy(saved)

        try:
            for j, s in enumerate(rest):
                if not self.step(i + 1 + j, s):
                    break
            return
        except Fail as x:
            first = str(x)
            if 'time limit' in first:
                raise
        self.observe = True
        try:
            restore(post)
            seen = self.watch(rest)
            for state in ('old', 'new'):
                restore(pre)
                if state == 'new':
                    q = box.run(*plain())
                    if q.rc != 0:
                        continue
                model = self.watch(rest)
                k = next((k for k, (a, b) in enumerate(zip(seen, model)) if a != b), None)
                if k is None:
                    self.checked += 1
                    return
                first += f'; nor the {state} state: step {i + 1 + k} {rest[k]["op"]} shows {short(seen[k], 60)}, {state} would show {short(model[k], 60)}'
        finally:
            self.observe = False
        raise Fail(first)

    def watch(self, rest):
        out = []
        for s in rest:
            try:
                out.append(getattr(self, 'do_' + s['op'])(s, s.get('expect', {})))
            except SkipStep:
                out.append('skipped')
            except Fail as x:
                if 'time limit' in str(x):
                    raise
                out.append('failed: ' + re.sub(r'[0-9A-HJKMNP-TV-Z]{26}', '<id>', str(x))[:200])
        return out


# ---------------------------------------------------------------- surface suite

OPS = {'eq', 'absent', 'absent_or_empty', 'type', 'contains', 'matches', 'len', 'min_len', 'has_key', 'lacks_key', 'some'}
SURFACE = {'cli': {'env', 'stdin', 'capture', 'expect'}, 'server': {'env', 'expect_exit', 'stderr_contains', 'stderr_absent', 'stderr_matches'},
           'stop_server': {'expect_exit'}, 'http': {'capture', 'capture_header', 'save_body', 'expect'}, 'parallel_http': {'expect'},
           'write': set(), 'sh': set(), 'check_file': set(), 'check_absent': set(), 'check_exists': set(), 'check_glob': set(),
           'check_jsonl': set(), 'same_body': set(), 'same_file': set()}
CLI_EXP = {'exit', 'stdout_json', 'stdout_contains', 'stdout_absent', 'stdout_matches', 'stdout_exact', 'stdout_lines',
           'stdout_lines_prefix', 'stdout_line_count', 'stdout_line_json', 'stderr_contains', 'stderr_absent', 'stderr_matches', 'save_stdout'}
HTTP_EXP = {'status', 'status_in', 'json', 'headers', 'headers_absent', 'headers_present', 'body_text', 'line_count'}
MISSING = object()


def parse_path(path):
    out, i = [], 0
    while i < len(path):
        if path[i] == '.':
            i += 1
        elif path[i] == '[':
            j = path.index(']', i)
            t = path[i + 1:j]
            out.append(int(t) if t.isdigit() else t)
            i = j + 1
        else:
            m = re.match(r'[^.\[]+', path[i:])
            out.append(m.group())
            i += m.end()
    return out


def get(doc, path):
    for k in parse_path(path):
        try:
            doc = doc[k]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return doc


def check(doc, c):
    path, op, val = c
    v = get(doc, path)
    try:
        if op == 'absent':
            ok = v is MISSING
        elif op == 'absent_or_empty':
            ok = v is MISSING or v is None or v == [] or v == {} or v == ''
        elif v is MISSING:
            ok = False
        elif op == 'eq':
            ok = veq(val, v, big_text=False)
        elif op == 'type':
            ok = isnum(v) if val == 'number' else isinstance(v, {'string': str, 'array': list, 'object': dict, 'bool': bool}[val])
        elif op == 'contains':
            ok = any(veq(val, x) for x in v) if isinstance(v, list) else val in v
        elif op == 'matches':
            ok = re.search(val, v if isinstance(v, str) else dumps(v)) is not None
        elif op == 'len':
            ok = len(v) == val
        elif op == 'min_len':
            ok = len(v) >= val
        elif op == 'has_key':
            ok = isinstance(v, dict) and val in v
        elif op == 'lacks_key':
            ok = isinstance(v, dict) and val not in v
        elif op == 'some':
            ok = False
            for e in v:
                try:
                    check(e, val)
                    ok = True
                    break
                except Fail:
                    pass
        else:
            raise Fail('bad case: unknown op ' + op)
    except TypeError:
        ok = False
    if not ok:
        raise Fail(f'`{path}` {op}: expected {short(val)}, got {"nothing" if v is MISSING else short(v)}')


def sub(x, vs):
    if isinstance(x, str):
        return re.sub(r'\$\{(\w+)\}', lambda m: str(vs.get(m.group(1), m.group(0))), x)
    if isinstance(x, list):
        return [sub(e, vs) for e in x]
    if isinstance(x, dict):
        return {k: sub(v, vs) for k, v in x.items()}
    return x


def texts(what, hay, exp, pre):
    for t in exp.get(pre + '_contains', []):
        if t not in hay:
            raise Fail(f'{what}: expected it to contain {t!r}, got {short(hay[-300:])}')
    for t in exp.get(pre + '_absent', []):
        if t in hay:
            raise Fail(f'{what}: {t!r} should be absent')
    for t in exp.get(pre + '_matches', []):
        if not re.search(t, hay):
            raise Fail(f'{what}: no match for {t!r} in {short(hay[-300:])}')


class Surface:
    suite = 'surface'

    def __init__(self, case, opt):
        self.c, self.opt = case, opt
        self.skips = []
        self.p, self.bodies, self.log = None, {}, None

    @staticmethod
    def lint(c):
        bad = []

        def checks(l):
            for x in l:
                if not isinstance(x, list) or len(x) != 3 or x[1] not in OPS:
                    bad.append(f'bad check {x}')
                elif x[1] == 'some':
                    checks([x[2]])
                else:
                    parse_path(x[0])
        if not c.get('steps'):
            bad.append('no steps')
        for i, st in enumerate(c.get('steps', [])):
            k = st.keys() & SURFACE.keys()
            if len(k) != 1:
                bad.append(f'step {i}: unknown step {sorted(st)}')
                continue
            k = k.pop()
            bad += [f'step {i}: unknown key {x}' for x in st.keys() - SURFACE[k] - {k}]
            e = st.get('expect', {})
            if k == 'cli':
                bad += [f'step {i}: unknown expectation {x}' for x in e.keys() - CLI_EXP]
                checks(e.get('stdout_json', []))
                for z in e.get('stdout_line_json', []):
                    checks(z[1])
            if k == 'http':
                bad += [f'step {i}: unknown expectation {x}' for x in e.keys() - HTTP_EXP]
                checks(e.get('json', []))
                if st['http'].get('method') not in ('GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'OPTIONS', 'PATCH'):
                    bad.append(f'step {i}: method')
        return bad

    def run(self):
        self.box = Box(self.opt)
        self.v = {'cwd': self.box.dir}
        try:
            for p, t in self.c.get('files', {}).items():
                self.box.write(p, t)
            for i, st in enumerate(self.c['steps']):
                kind = next(iter(st.keys() & SURFACE.keys()))
                try:
                    self.box.left()
                    getattr(self, 'do_' + kind)(sub(st, self.v))
                except Fail as x:
                    raise Fail(f'step {i} {kind}: {x}')
                except SkipStep as x:
                    raise SkipStep(f'step {i} {kind}: {x}', stop=True)
                except (OSError, ValueError, KeyError, IndexError, TypeError, http.client.HTTPException, subprocess.SubprocessError) as x:
                    raise Fail(f'step {i} {kind}: {type(x).__name__}: {x}')
        finally:
            self.stop()
            self.box.close()

    def environ(self, extra):
        return {k: self.box.path(v) if k == 'OMNIGRAPH_HOME' else v for k, v in (extra or {}).items()}

    def do_cli(self, st):
        r = self.box.run(*st['cli'], env=self.environ(st.get('env')), stdin=st.get('stdin', ''))
        e = st.get('expect', {})
        if r.crashed():
            raise Fail(f'`{r.cmd()}` crashed (exit {r.rc}): {r.said()}')
        if r.rc != e.get('exit', 0):
            raise Fail(f'`{r.cmd()}` exit code: expected {e.get("exit", 0)}, got {r.rc}: {r.said()}')
        texts('stdout', r.out, e, 'stdout')
        texts('stderr', r.err, e, 'stderr')
        if 'stdout_exact' in e and r.out != e['stdout_exact']:
            raise Fail(f'stdout: expected {e["stdout_exact"]!r}, got {short(repr(r.out))}')
        lines = r.out.splitlines()
        if 'stdout_lines' in e:
            want('stdout lines', e['stdout_lines'], lines)
        if 'stdout_lines_prefix' in e:
            want('first stdout lines', e['stdout_lines_prefix'], lines[:len(e['stdout_lines_prefix'])])
        if 'stdout_line_count' in e:
            want('stdout line count', e['stdout_line_count'], len([l for l in lines if l.strip()]))
        for n, cs in e.get('stdout_line_json', []):
            if n >= len(lines):
                raise Fail(f'stdout has no line {n}')
            for c in cs:
                check(loads(lines[n]), c)
        if 'stdout_json' in e or 'capture' in st:
            self.take(r.doc(), e.get('stdout_json', []), st)
        if 'save_stdout' in e:
            self.box.write(e['save_stdout'], r.out)

    def take(self, doc, checks, st):
        for c in checks:
            check(doc, c)
        for k, p in st.get('capture', {}).items():
            v = get(doc, p)
            if v is MISSING:
                raise Fail(f'nothing at `{p}` to capture')
            self.v[k] = v

    def stop(self, sig=signal.SIGKILL, exp=None):
        if not self.p:
            return
        p, self.p = self.p, None
        try:
            p.send_signal(sig)
            rc = p.wait(15)
        except subprocess.TimeoutExpired:
            end_group(p)
            raise Fail('the server did not stop within 15 s')
        finally:
            if p.poll() is None:
                end_group(p)
            if p.stdout:
                p.stdout.close()
        if exp is not None and rc != exp:
            raise Fail(f'server exit code: expected {exp}, got {rc}')

    def do_stop_server(self, st):
        if not self.p:
            raise Fail('no server is running')
        self.stop(getattr(signal, 'SIG' + st['stop_server'].removeprefix('SIG')), st.get('expect_exit'))

    def do_server(self, st):
        self.stop()
        if not self.opt.server:
            raise SkipStep('no omnigraph-server given or found')
        log = tempfile.TemporaryFile()
        self.p = p = subprocess.Popen([self.opt.server, *st['server']], cwd=self.box.dir, env=self.box.environ(self.environ(st.get('env'))),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True)

        def logged():
            log.seek(0)
            return log.read().decode('utf-8', 'replace')
        if 'expect_exit' in st:
            try:
                out, _ = p.communicate(timeout=self.box.left())
            except subprocess.TimeoutExpired:
                self.stop()
                raise Fail('the server kept running where it should have refused to start')
            self.p = None
            both = out.decode('utf-8', 'replace') + logged()
            if p.returncode != st['expect_exit']:
                raise Fail(f'server exit code: expected {st["expect_exit"]}, got {p.returncode}: {short(both)}')
            return texts('server output', both, st, 'stderr')
        got, ev = [], threading.Event()

        def pump():
            try:
                for b in p.stdout:
                    t = b.decode('utf-8', 'replace').strip()
                    if t.startswith('OMNIGRAPH_LISTEN_ADDR='):
                        got.append(t.split('=', 1)[1])
                        ev.set()
            except ValueError:
                pass
            ev.set()
        threading.Thread(target=pump, daemon=True).start()
        if not ev.wait(self.box.left()) or not got:
            raise Fail('no OMNIGRAPH_LISTEN_ADDR line: ' + short(logged()[-300:]))
        self.v['server'] = 'http://' + got[0]
        while True:
            try:
                if self.request({'method': 'GET', 'path': '/healthz'})[0] == 200:
                    return
            except OSError:
                pass
            if p.poll() is not None:
                raise Fail(f'the server ended (exit {p.returncode}): {short(logged()[-300:])}')
            self.box.left()
            time.sleep(.05)

    def request(self, r):
        if 'server' not in self.v:
            raise Fail('no server was started')
        u = urllib.parse.urlparse(self.v['server'])
        c = http.client.HTTPConnection(u.hostname, u.port, timeout=max(.1, self.box.left()))
        try:
            h, b = dict(r.get('headers', {})), None
            if 'json' in r:
                b = dumps(r['json']).encode()
                h.setdefault('content-type', 'application/json')
            elif 'text' in r:
                b = r['text'].encode()
            c.request(r['method'], r['path'], body=b, headers=h)
            a = c.getresponse()
            t = a.read()
            return a.status, {k.lower(): v for k, v in a.getheaders()}, t
        finally:
            c.close()

    def do_http(self, st):
        code, hd, body = self.request(st['http'])
        e = st.get('expect', {})
        ok = e.get('status_in', [e.get('status', 200)])
        what = f'{st["http"]["method"]} {st["http"]["path"]}'
        if code not in ok:
            raise Fail(f'{what} status: expected {"/".join(map(str, ok))}, got {code}: {short(body[:300].decode("utf-8", "replace"))}')
        for k, v in e.get('headers', {}).items():
            if hd.get(k.lower()) != v:
                raise Fail(f'{what} header {k}: expected {v!r}, got {hd.get(k.lower())!r}')
        for k in e.get('headers_present', []):
            if k.lower() not in hd:
                raise Fail(f'{what}: header {k} is missing')
        for k in e.get('headers_absent', []):
            if k.lower() in hd:
                raise Fail(f'{what}: header {k} should be absent')
        if 'body_text' in e:
            want(f'{what} body', e['body_text'], body.decode('utf-8', 'replace'))
        if 'line_count' in e:
            want(f'{what} lines', e['line_count'], len([l for l in body.splitlines() if l.strip()]))
        if e.get('json') or 'capture' in st:
            try:
                doc = loads(body)
            except ValueError:
                raise Fail(f'{what}: the body is not JSON: {short(body[:200].decode("utf-8", "replace"))}')
            self.take(doc, e.get('json', []), st)
        for k, h in st.get('capture_header', {}).items():
            if h.lower() not in hd:
                raise Fail(f'{what}: no header {h} to capture')
            self.v[k] = hd[h.lower()]
        if 'save_body' in st:
            self.bodies[st['save_body']] = body

    def do_parallel_http(self, st):
        n, r = st['parallel_http']['count'], st['parallel_http']['request']
        res = ['no answer'] * n

        def go(i):
            try:
                res[i] = str(self.request(r)[0])
            except Exception as x:
                res[i] = type(x).__name__
        ts = [threading.Thread(target=go, args=(i,)) for i in range(n)]
        for t in ts:
            t.start()
        for t in ts:
            t.join()
        want('status counts', st['expect']['status_counts'], dict(collections.Counter(res)))

    def do_write(self, st):
        for p, t in st['write'].items():
            self.box.write(p, t)

    def do_sh(self, st):
        subprocess.run(['sh', '-c', st['sh']], cwd=self.box.dir, env=self.box.environ(), check=True, timeout=self.box.left(),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def read(self, p):
        try:
            with open(self.box.path(p), encoding='utf-8', newline='') as h:
                return h.read()
        except OSError as x:
            raise Fail(f'{p}: {x.strerror}')

    def do_check_absent(self, st):
        if os.path.lexists(self.box.path(st['check_absent'])):
            raise Fail(f'{st["check_absent"]} should not exist')

    def do_check_exists(self, st):
        if not os.path.exists(self.box.path(st['check_exists'])):
            raise Fail(f'{st["check_exists"]} is missing')

    def do_check_file(self, st):
        c = st['check_file']
        t = self.read(c['path'])
        if 'mode' in c:
            want('file mode', oct(int(c['mode'], 8)), oct(os.stat(self.box.path(c['path'])).st_mode & 0o777))
        if 'exact' in c:
            want('file content', c['exact'], t)
        texts(c['path'], t, {'f_contains': c.get('contains', []), 'f_absent': c.get('absent', [])}, 'f')

    def do_check_glob(self, st):
        c = st['check_glob']
        fs = glob.glob(self.box.path(c['glob']))
        if not fs:
            raise Fail(f'no file matches {c["glob"]}')
        for f in fs:
            texts(c['glob'], self.read(f), {'f_contains': c['contains']}, 'f')

    def do_check_jsonl(self, st):
        c = st['check_jsonl']
        lines = [loads(l) for l in self.read(c['path']).splitlines() if l.strip()]
        want('lines', c['lines'], len(lines))
        for n, cs in c['at']:
            for k in cs:
                check(lines[n], k)

    def do_same_body(self, st):
        a, b = st['same_body']
        if self.bodies[a] != self.bodies[b]:
            raise Fail(f'bodies {a} and {b} differ: {short(self.bodies[a].decode("utf-8", "replace"), 80)} / {short(self.bodies[b].decode("utf-8", "replace"), 80)}')

    def do_same_file(self, st):
        a, b = st['same_file']
        if self.read(a) != self.read(b):
            raise Fail(f'files {a} and {b} differ')


# ---------------------------------------------------------------- main

def suite_of(c):
    """Tells a case's suite by its shape."""
    steps = c.get('steps')
    if not isinstance(steps, list):
        return None
    if 'schema_error_contains' in c or any('kind' in s for s in steps) or ('data' in c and 'mode' in c):
        return Languages
    if any('op' in s for s in steps):
        return Engine
    if any(s.keys() & SURFACE.keys() for s in steps):
        return Surface
    return None


def find_cases(paths):
    out = []
    for p in paths:
        if os.path.isfile(p):
            out.append(p)
        elif os.path.isdir(p):
            for d, ds, fs in os.walk(p):
                ds.sort()
                out += [os.path.join(d, f) for f in sorted(fs) if f.endswith('.json') and not f.startswith('_')]
        else:
            sys.exit(f'run.py: no such file or folder: {p}')
    return out


def locate(opt):
    cli, srv = os.environ.get('OMNIGRAPH_BIN'), os.environ.get('OMNIGRAPH_SERVER_BIN')
    if opt.bin:
        if os.path.isdir(opt.bin):
            cli = shutil.which('omnigraph', path=opt.bin)
            if not cli:
                sys.exit(f'run.py: no executable omnigraph in {opt.bin}')
        else:
            cli = opt.bin
        srv = srv or shutil.which('omnigraph-server', path=os.path.dirname(os.path.abspath(cli)))
    cli = cli or shutil.which('omnigraph')
    if not cli or not os.path.exists(cli):
        sys.exit('run.py: omnigraph not found; give --bin')
    srv = srv or shutil.which('omnigraph-server')
    return os.path.abspath(cli), os.path.abspath(srv) if srv else None


def run_case(path, case, cls, opt):
    t0 = time.monotonic()
    r = {'case': case.get('name') or case.get('id') or os.path.basename(path), 'suite': cls.suite, 'file': path, 'status': 'passed', 'detail': '', 'notes': []}
    k = cls(case, opt)
    try:
        bad = cls.lint(case)
        if bad:
            raise Fail('bad case file: ' + '; '.join(bad[:3]))
        if opt.check:
            return r
        k.run()
        hard = [s for s in k.skips if not s[3]]
        if hard:
            i, op, why, _ = hard[0]
            r.update(status='skipped', detail=f'step {i} {op}: {why} (every other step held)')
        r['layout_skipped'] = sum(1 for s in k.skips if s[3])
    except Fail as x:
        r.update(status='failed', detail=str(x))
    except SkipStep as x:
        r.update(status='skipped', detail=str(x))
    except Exception as x:                                     # a hole in the runner or output of an unforeseen shape: never a pass
        import traceback
        at = traceback.extract_tb(x.__traceback__)[-1]
        r.update(status='failed', detail=f'output of an unexpected shape: {type(x).__name__}: {x} (run.py:{at.lineno})')
    r['notes'] = getattr(k, 'notes', [])
    if opt.keep and hasattr(k, 'box'):
        r['dir'] = k.box.top
    r['seconds'] = round(time.monotonic() - t0, 3)
    return r


def main():
    a = argparse.ArgumentParser(description='Black-box conformance runner for omnigraph.')
    a.add_argument('--bin', help='folder holding omnigraph and omnigraph-server, or the path of omnigraph')
    a.add_argument('--suite', choices=['languages', 'engine', 'surface', 'all'], default='all')
    a.add_argument('--case', action='append', default=[], metavar='GLOB', help='only cases whose name matches (may repeat)')
    a.add_argument('--jobs', type=int, default=min(8, os.cpu_count() or 1))
    a.add_argument('--time-limit', type=float, default=20, metavar='S', help='seconds per case (default 20)')
    a.add_argument('--layout', action='store_true', help='also check files on disk')
    a.add_argument('--no-faults', action='store_true', help='skip fault cases (for builds without fault points)')
    a.add_argument('--strict-messages', action='store_true', help='enforce the advisory message_contains of the engine suite')
    a.add_argument('--keep', action='store_true', help='keep the directories of the cases')
    a.add_argument('--json', metavar='OUT', help='write all results there')
    a.add_argument('--check', action='store_true', help='only check the case files themselves')
    a.add_argument('--verbose', '-v', action='store_true', help='one line for every case, and advisory notes')
    a.add_argument('cases', nargs='+', metavar='CASES_DIR')
    opt = a.parse_args()
    opt.cli, opt.server = (None, None) if opt.check else locate(opt)

    todo, results = [], []
    for f in find_cases(opt.cases):
        try:
            with open(f, encoding='utf-8') as h:
                c = loads(h.read())
            cls = suite_of(c)
        except (ValueError, AttributeError) as x:
            results.append({'case': os.path.basename(f), 'suite': '?', 'file': f, 'status': 'failed', 'detail': f'bad case file: {x}', 'notes': []})
            continue
        name = c.get('name') or c.get('id') or os.path.basename(f)
        if opt.case and not any(fnmatch.fnmatch(name, g) or fnmatch.fnmatch(os.path.basename(f)[:-5], g) for g in opt.case):
            continue
        if cls is None:
            results.append({'case': name, 'suite': '?', 'file': f, 'status': 'failed', 'detail': 'bad case file: belongs to no known suite', 'notes': []})
        elif opt.suite in ('all', cls.suite):
            todo.append((f, c, cls))

    lock = threading.Lock()

    def one(t):
        r = run_case(*t, opt)
        with lock:
            results.append(r)
            show(r)

    def show(r):
        where = f' [{r["dir"]}]' if r.get('dir') else ''
        if r['status'] != 'passed':
            print(f'{"FAIL" if r["status"] == "failed" else "SKIP"} {r["suite"]}/{r["case"]}: {short(r["detail"], 420)}{where}', flush=True)
        elif opt.verbose:
            print(f'ok   {r["suite"]}/{r["case"]} {r.get("seconds", 0):.2f}s{where}', flush=True)
        if opt.verbose:
            for n in r['notes']:
                print(f'     note: {short(n, 300)}', flush=True)

    for r in results:
        show(r)
    with concurrent.futures.ThreadPoolExecutor(max(1, opt.jobs)) as ex:
        list(ex.map(one, todo))

    n = collections.Counter(r['status'] for r in results)
    for s in ('languages', 'engine', 'surface', '?'):
        k = collections.Counter(r['status'] for r in results if r['suite'] == s)
        if k:
            lay = sum(r.get('layout_skipped', 0) for r in results if r['suite'] == s)
            adv = sum(len(r['notes']) for r in results if r['suite'] == s)
            print(f'{s}: {k["passed"]} passed, {k["failed"]} failed, {k["skipped"]} skipped'
                  + (f' ({lay} layout probes not run)' if lay else '') + (f' ({adv} advisory wordings differ)' if adv else ''))
    if opt.json:
        with open(opt.json, 'w', encoding='utf-8') as h:
            json.dump({'passed': n['passed'], 'failed': n['failed'], 'skipped': n['skipped'],
                       'results': sorted(results, key=lambda r: (r['suite'], r['case']))}, h, indent=1, ensure_ascii=False, cls=Enc)
            h.write('\n')
    print(f'{n["passed"]} passed, {n["failed"]} failed, {n["skipped"]} skipped')
    sys.exit(1 if n['failed'] else 0)


if __name__ == '__main__':
    main()
