#!/usr/bin/env bash
# Proves, in a clean clone of what is committed, that a scaffolded model and property are formatted, pass clippy and their own
# tests, and are known to the tool. Builds the crates of the workspace once more, under another path.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/release/seedbed}")
# What does not belong to the workspace is built already.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}

# What is proved is what is written, not how fast it is: the crates of the clone are built without optimisation.
export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_TEST_OPT_LEVEL=0

say() { printf 'scaffold-proof: %s\n' "$*"; }
[ -x "$program" ] || { say "FAILED: there is no program at $program; cargo build --release"; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git clone --quiet "$root" "$scratch/clone"
cd "$scratch/clone/models/src"
"$program" new model dry_run
"$program" new property dry_run_is_never_ahead --for dry_run
cd "$scratch/clone"
git status --short

cargo fmt --all --check
say "formatted"
cargo clippy --locked -p seedbed-models -p seedbed-properties --lib --test examples -- -D warnings
say "clippy has nothing to say"
cargo test --locked -p seedbed-properties --test examples dry_run
# With the profile of tests: what it needs has just been built.
seedbed() { cargo run --quiet --locked --profile test -p seedbed-traces --bin seedbed -- "$@"; }
seedbed sweep dry_run --seeds 0..2000
seedbed mutants dry_run
say "passed: a model and a property that are new pass, are caught and are known"
