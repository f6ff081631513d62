#!/usr/bin/env bash
# How build and test time grow with components: adds the scaffolded component N times, in a clone of what is committed, and
# builds the crates of the workspace before and after. What does not belong to the workspace is built once and not counted.
#   scripts/growth.sh [N] [PROGRAM]    (10 components; target/release/seedbed)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
count=${1:-10}
program=$(realpath "${2:-$root/target/release/seedbed}")
[ -x "$program" ] || { echo "growth: there is no program at $program; cargo build --release" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git clone --quiet "$root" "$scratch/clone"
cd "$scratch/clone"
export CARGO_TARGET_DIR=$scratch/target
crates=(-p seedbed-sim -p seedbed-models -p seedbed-properties -p seedbed-traces)

# Wall, and CPU of all processes, in seconds, of a command.
TIMEFORMAT='%R %U %S'
timed() { { time "$@" > "$scratch/log" 2>&1; } 2> "$scratch/time" || { cat "$scratch/log" >&2; exit 1; }; cat "$scratch/time"; }
release() { cargo clean --quiet --release "${crates[@]}"; timed cargo build --locked --release; }
tests() { cargo clean --quiet "${crates[@]}"; timed cargo test --locked --no-run; }
run_tests() { timed cargo test --locked; }

cargo build --quiet --locked --release
cargo test --quiet --locked --no-run
before=("$(release)" "$(tests)" "$(run_tests)")
for n in $(seq "$count"); do
  "$program" new model "probe_$n" > "$scratch/log"
done
# Its page of the guide is written by hand of the tool; the tests of the guide want one.
cargo run --quiet --locked --release -- pages > "$scratch/log" 2>&1
after=("$(release)" "$(tests)" "$(run_tests)")

names=("build of the tool (release)" "build of all tests" "run of all tests")
printf '%-30s %10s %10s %16s %16s\n' "seconds" "wall" "CPU" "wall/component" "CPU/component"
for i in 0 1 2; do
  read -r wall user system <<< "${before[$i]}"
  read -r wall2 user2 system2 <<< "${after[$i]}"
  awk -v what="${names[$i]}" -v w="$wall" -v c="$user" -v s="$system" -v w2="$wall2" -v c2="$user2" -v s2="$system2" -v n="$count" \
    'BEGIN { printf "%-30s %10.1f %10.1f %+16.1f %+16.1f\n", what, w, c + s, (w2 - w) / n, (c2 + s2 - c - s) / n }'
done
