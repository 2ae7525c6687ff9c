#!/usr/bin/env bash
# Instructions for one evaluation of each law, by valgrind's callgrind, as a table in markdown. The
# difference of two counts of evaluations leaves the set-up out. Takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(cargo bench --bench evaluate --no-run --message-format=json |
  sed -n 's/.*"name":"evaluate".*"executable":"\([^"]*\)".*/\1/p')
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# Instructions of the whole program: law, problem, kind, number of evaluations.
instructions() {
  valgrind --tool=callgrind --callgrind-out-file="$out" "$program" "$@" 2>/dev/null
  sed -n 's/^\(summary\|totals\): //p' "$out" | head -1
}

few=3
many=23
echo "| law | problem | value | value and gradient | value and Gauss-Newton |"
echo "|---|---|---|---|---|"
for law in simple additive joint full coupled; do
  for problem in P3 P8; do
    printf '| %s | %s |' "$law" "$problem"
    for kind in value gradient gauss-newton; do
      a=$(instructions "$law" "$problem" "$kind" "$few")
      b=$(instructions "$law" "$problem" "$kind" "$many")
      printf ' %d |' $(((b - a) / (many - few)))
    done
    printf '\n'
  done
done
