#!/usr/bin/env bash
# How long a crate takes to build from cold as the only dependency of another, and how many crates
# it brings: mixlaw with its default features, with none, argmin with the ndarray it is used with,
# and basin. Nothing else should run beside it.
#
#   benches/peers/cold_build.sh [ROUNDS]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rounds=${1:-3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

crate() { # NAME DEPENDENCIES
  mkdir -p "$scratch/$1/src"
  printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]\n%s\n[workspace]\n' \
    "$1" "$2" >"$scratch/$1/Cargo.toml"
  echo 'fn main() {}' >"$scratch/$1/src/main.rs"
  cargo fetch --quiet --manifest-path "$scratch/$1/Cargo.toml"
}

crate mixlaw-default "mixlaw = { path = \"$root\" }"
crate mixlaw-alone "mixlaw = { path = \"$root\", default-features = false }"
crate argmin-ndarray 'argmin = "0.11"
argmin-math = { version = "0.5", features = ["ndarray_latest"] }'
crate basin-default 'basin = "3.2"'

printf '%-16s %7s %28s %28s\n' "" crates "dev, seconds" "release, seconds"
for name in mixlaw-default mixlaw-alone argmin-ndarray basin-default; do
  cd "$scratch/$name"
  crates=$(cargo tree -e normal --prefix none --no-dedupe | sort -u | grep -cv "^$name ")
  printf '%-16s %7s' "$name" "$crates"
  for profile in dev release; do
    times=
    for _ in $(seq "$rounds"); do
      rm -rf target
      start=$(date +%s.%N)
      cargo build --quiet --offline --profile "$profile"
      times="$times $(echo "$(date +%s.%N) - $start" | bc | xargs printf '%.1f')"
    done
    printf ' %28s' "$times"
  done
  echo
done
