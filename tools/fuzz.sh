#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other, and prints a table.
# usage: tools/fuzz.sh TIME [PATTERN]     e.g. tools/fuzz.sh 5m 'FuzzReader'
# Exit code 1 when a target found something; the failing input is then under that package's
# testdata/fuzz/ and is a test case from now on.
set -euo pipefail
time=${1:?usage: tools/fuzz.sh TIME [PATTERN]}
pattern=${2:-.}
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# "go test -list" prints a package's targets and then "ok <package>".
go test -list '^Fuzz' ./... >"$logs/list" 2>"$logs/err" || { cat "$logs/list" "$logs/err" >&2; exit 1; }
targets=$(awk -v pattern="$pattern" '
  /^Fuzz/  { names[++n] = $1 }
  /^ok/    { for (i = 1; i <= n; i++) if (names[i] ~ pattern) print $2, names[i]; n = 0 }
' "$logs/list")
[ -n "$targets" ] || { echo "no fuzz target matches '$pattern'" >&2; exit 1; }
echo "$(wc -l <<<"$targets") targets, $time each"

failed=0
table="$logs/table"
while read -r pkg name; do
  echo "--- $name ($pkg)"
  result=ok
  if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10s "$pkg" >"$logs/run" 2>&1 </dev/null; then
    result=FAILED
    failed=1
    cat "$logs/run"
  fi
  # "fuzz: elapsed: 5s, execs: 12345 (2469/sec), new interesting: 3 (total: 40)"
  last=$(grep -o 'execs: .*' "$logs/run" | tail -1 || true)
  printf '%-7s %-32s %-22s %s\n' "$result" "$name" "${pkg#*/internal/}" "$last" >>"$table"
done <<<"$targets"

echo
cat "$table"
exit $failed
