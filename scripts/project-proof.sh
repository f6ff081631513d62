#!/usr/bin/env bash
# Proves, in a scratch folder outside of the workspace, what `seedbed new project` promises: the crate is formatted, its tests
# pass, with its bug planted they fail and print a replay command that works as it is printed, and its own program has the
# commands of the tool. What is no crate of this workspace is built already: the target folder and the lock file are shared.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/debug/seedbed}")
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}

say() { printf 'project-proof: %s\n' "$*"; }
failed() { say "FAILED: $*"; exit 1; }
# Runs a command that must end with this exit code.
ends_with() {
  local expected=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" = "$expected" ] || failed "'$*' ended with $code, not with $expected"
}
[ -x "$program" ] || failed "there is no program at $program; cargo build"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# What is proved is what is written, not how fast it is: the crates of the library are built without optimisation.
mkdir .cargo
printf '[profile.dev.package]\n' > .cargo/config.toml
for crate in sim models properties traces; do
  printf 'seedbed-%s.opt-level = 0\n' "$crate" >> .cargo/config.toml
done
for name in raft Mine match serde ../mine; do
  ends_with 2 "$program" new project "$name" --path "$root"
done
[ -z "$(ls)" ] || failed "a name that was refused left something behind"
"$program" new project mine --path "$root"
ends_with 2 "$program" new project mine --path "$root"
cd mine
cp "$root/Cargo.lock" .
cargo fmt --check
[ "$(wc -l < src/main.rs)" -lt 10 ] || failed "src/main.rs has ten lines or more"
say "written, formatted, and refused a second time"

cargo test --quiet
say "its tests pass"
# A tokio program in a project: the guide's own.
printf '\n[dev-dependencies]\ntokio = { package = "seedbed-tokio", path = "%s/sim/tokio", features = ["full"] }\n' "$root" >> Cargo.toml
cp "$root/sim/tests/simulator/line_service.rs" tests/service.rs
cargo test --quiet --test service
say "so does a tokio program of its own"
report=$(SEEDBED_BUG=counts-retries cargo test --quiet 2>&1) && failed "the planted bug was not caught"
replay=$(printf '%s\n' "$report" | sed -n 's/^ *replay  //p' | head -n 1)
trace=${replay##* }
say "with its bug planted they fail, and say: $replay"
ends_with 1 bash -c "$replay"
say "and that replays"

# With the program that has just been built.
ends_with 0 cargo run --quiet -- sweep mine --seeds 0..200
ends_with 0 cargo run --quiet -- mutants mine --attempts 3
ends_with 0 cargo run --quiet -- show "$trace" --as html --out story.html
ends_with 0 cargo run --quiet -- atlas --quick --models mine --seeds 20
ends_with 0 cargo run --quiet -- sweep mine --seeds 0..100 --shard 0/2 --results half.jsonl
cargo run --quiet -- list | grep -q '^mine' || failed "list does not know it"
[ -s story.html ] || failed "there is no page"
say "passed: its own program sweeps, hunts, draws and measures it"
