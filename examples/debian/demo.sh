#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The guided tour: the Debian package index as a versioned graph.
#
#   demo.sh [BIN]     BIN is the folder with the omnigraph program (default: build/release/bin)
#   KEEP=1 demo.sh    keeps the temporary folder, to go on playing with the graphs
#
# Part 1 loads the small frozen extract and compares the answers to its queries with golden ones.
# Part 2 converts and loads the package index of this very machine and asks it five questions.
# Part 3 removes a package on a branch and shows that main did not notice; part 4 merges the branch.
# Any surprise ends the demo with exit 1.

set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${1:-$here/../../build/release/bin}
[ -x "$bin/omnigraph" ] || { echo "demo: no program $bin/omnigraph: run make build" >&2; exit 1; }
command -v python3 >/dev/null || { echo "demo: python3 is needed to read the index" >&2; exit 1; }
bin=$(cd "$bin" && pwd)

# Everything happens in a fresh folder; short links keep the commands below short.
work=$(mktemp -d "${TMPDIR:-/tmp}/omnigraph-demo.XXXXXX")
if [ -n "${KEEP:-}" ]; then
  trap 'echo "kept: $work"' EXIT
else
  trap 'rm -rf "$work"' EXIT
fi
ln -s "$here/queries" "$here/packages.pg" "$here/extract.ndjson" "$work"
cd "$work"
export PATH="$bin:$PATH" OMNIGRAPH_HOME="$work/home" PYTHONDONTWRITEBYTECODE=1
unset OMNIGRAPH_PROFILE

# ---- Telling the story -------------------------------------------------------------------------

now() { echo $(($(date +%s%N) / 1000000)); }                    # milliseconds
took() { awk -v ms=$(($(now) - $1)) 'BEGIN { printf "%.2f s", ms / 1000 }'; }
size() { du -shL "$1" | cut -f1; }
part() { printf '\n== %s\n' "$1"; }
fail() { printf '\ndemo: FAILED: %s\n' "$1" >&2; exit 1; }

# step TITLE COMMAND...: runs it, prints what it took; its output only when it fails.
step() {
  local title=$1 start
  shift
  start=$(now)
  "$@" >step.out 2>step.err || { cat step.out step.err >&2; fail "$title: $*"; }
  printf '   %-58s %10s\n' "$title" "$(took "$start")"
}

# quoted ARGUMENTS...: as one would type them; JSON needs its single quotes.
quoted() {
  local word
  for word in "$@"; do
    case $word in
      '{'*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
}

# ask QUESTION ARGUMENTS...: prints the question, the command, its answer as a table, and the time.
ask() {
  local question=$1 start
  shift
  printf '\n-- %s\n   $ omnigraph query%s\n\n' "$question" "$(quoted "$@")"
  start=$(now)
  omnigraph query "$@" --format table >step.out || fail "$question"
  sed 's/^/   /' step.out
  printf '   (%s)\n' "$(took "$start")"
}

# json EXPRESSION: a value out of the JSON document `d` on standard input.
json() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

# breaking GRAPH BRANCH: how many packages need zlib1g there.
breaking() {
  omnigraph query count_breaks_without --query queries/package.gq --store "$1" --branch "$2" \
    --params '{"name":"zlib1g"}' --json | json 'd["rows"][0]["packages"]'
}

lines() { omnigraph export "$1" --branch "$2" | wc -l; }

same() { [ "$2" = "$3" ] || { echo "demo: FAILED: $1: expected $2, got $3" >&2; return 1; }; }

# ---- Part 1: the frozen extract ----------------------------------------------------------------

check_case() {
  local name=$1 file=$2 query=$3 params=$4
  omnigraph query "$query" --query "queries/$file" --store extract.omni --params "$params" \
    --format jsonl >answer.jsonl || return 1
  python3 "$here/oracle.py" compare "$here/golden/$name.jsonl" <answer.jsonl
}

check_cases() {
  local name file query params
  while IFS=$'\t' read -r name file query params; do
    check_case "$name" "$file" "$query" "$params" </dev/null ||
      { echo "case $name ($file, query $query, $params)" >&2; return 1; }
  done <"$here/golden/cases.tsv"
}

begin=$(now)
omnigraph version
part "1. The frozen extract: $(wc -l <extract.ndjson) nodes and edges around git, nginx, apt, ..."
step "init: a graph with the schema packages.pg" omnigraph init --schema packages.pg extract.omni
step "load extract.ndjson ($(size extract.ndjson))" \
  omnigraph load --data extract.ndjson --mode overwrite extract.omni --json
step "$(wc -l <"$here/golden/cases.tsv") queries give the golden answers" check_cases
same "lines of the extract's export" "$(wc -l <extract.ndjson)" "$(lines extract.omni main)"

# ---- Part 2: the index of this machine ---------------------------------------------------------

part "2. The package index of this machine"
step "convert the index to NDJSON" python3 "$here/convert.py" --out debian.ndjson
grep -v '^time' step.err | sed 's/^/     /'
total=$(wc -l <debian.ndjson)
step "init" omnigraph init --schema packages.pg debian.omni
step "load $total nodes and edges ($(size debian.ndjson) of NDJSON)" \
  omnigraph load --data debian.ndjson --mode overwrite debian.omni
grep '^loaded' step.out | sed 's/^/     /'
printf '   %-58s %10s\n' "size of the graph on disk" "$(size debian.omni)"

ask "What does apt need?" needs --query queries/package.gq --store debian.omni \
  --params '{"name":"apt"}'
ask "What breaks if zlib1g goes? ($(breaking debian.omni main) packages; the largest:)" \
  breaks_without --query queries/package.gq --store debian.omni --params '{"name":"zlib1g"}'
ask "Which sections are the biggest?" biggest_sections --query queries/archive.gq \
  --store debian.omni
ask "Who maintains the most packages?" busiest_maintainers --query queries/archive.gq \
  --store debian.omni
ask "Which packages take the most room?" largest_packages --query queries/archive.gq \
  --store debian.omni --params '{"at_least_kib":10000}'

# ---- Part 3: a branch --------------------------------------------------------------------------

part "3. What if zlib1g left the archive? Try it on a branch"
before=$(breaking debian.omni main)
step "branch create what-if" omnigraph branch create what-if --uri debian.omni
step "on what-if: delete zlib1g, and every edge that touches it" \
  omnigraph mutate retire --query queries/whatif.gq --store debian.omni --branch what-if \
  --params '{"name":"zlib1g"}' --json
gone=$(json 'd["affected_nodes"] + d["affected_edges"]' <step.out)
step "on what-if: add zlib-demo" \
  omnigraph mutate introduce --query queries/whatif.gq --store debian.omni --branch what-if \
  --params '{"name":"zlib-demo","version":"1.0","summary":"what zlib1g was"}'
step "on what-if: apt needs zlib-demo" \
  omnigraph mutate depend --query queries/whatif.gq --store debian.omni --branch what-if \
  --params '{"from":"apt","to":"zlib-demo"}'
step "on what-if: zlib-demo becomes required" \
  omnigraph mutate --store debian.omni --branch what-if \
  -e 'query promote() { update Package set { priority: "required" } where name = "zlib-demo" }'

for branch in main what-if; do
  ask "What does apt need, asked on $branch?" needs --query queries/package.gq \
    --store debian.omni --branch "$branch" --params '{"name":"apt"}'
  ask "What is called zlib..., asked on $branch?" starting_with --query queries/archive.gq \
    --store debian.omni --branch "$branch" --params '{"prefix":"zlib"}'
done
printf '\n   packages that need zlib1g: %s on main, %s on what-if\n' \
  "$(breaking debian.omni main)" "$(breaking debian.omni what-if)"
same "packages that need zlib1g on main" "$before" "$(breaking debian.omni main)"
same "packages that need zlib1g on what-if" 0 "$(breaking debian.omni what-if)"
[ "$before" -gt 0 ] || fail "no package needs zlib1g on main: there was nothing to compare"

printf '\n   $ omnigraph branch list --uri debian.omni\n'
omnigraph branch list --uri debian.omni | sed 's/^/     /'
printf '   $ omnigraph commit list debian.omni --branch what-if\n'
omnigraph commit list debian.omni --branch what-if | sed 's/^/     /'
printf '\n'

export_both() {
  same "lines of main's export" "$total" "$(lines debian.omni main)" &&
    same "lines of what-if's export" $((total - gone + 2)) "$(lines debian.omni what-if)"
}
step "export: $total lines on main, $((total - gone + 2)) on what-if" export_both
printf '   %-58s %10s\n' "size of the graph on disk, with the branch" "$(size debian.omni)"

# ---- Part 4: a merge ---------------------------------------------------------------------------

part "4. It went well: bring it into main, which has moved on meanwhile"
step "on main: git becomes important" omnigraph mutate --store debian.omni \
  -e 'query promote() { update Package set { priority: "important" } where name = "git" }'
printf '   $ omnigraph branch merge what-if --uri debian.omni --dry-run\n'
omnigraph branch merge what-if --uri debian.omni --dry-run 2>/dev/null | sed 's/^/     /'
step "branch merge what-if --delete-branch" \
  omnigraph branch merge what-if --uri debian.omni --delete-branch --as demo
ask "What does apt need now, asked on main?" needs --query queries/package.gq --store debian.omni \
  --params '{"name":"apt"}'
same "packages that need zlib1g on main" 0 "$(breaking debian.omni main)"
same "lines of main's export" $((total - gone + 2)) "$(lines debian.omni main)"
printf '\nThe whole demo took %s.\n' "$(took "$begin")"
