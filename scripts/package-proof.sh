#!/usr/bin/env bash
# Proves that the crates that others depend on can be packaged: nothing that a package lacks is needed to make it. They are
# packaged together, for none of them is in a registry, from a copy in which they may be published: cargo finds no package for
# another that is not.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git -C "$root" archive HEAD | tar x -C "$scratch"
cd "$scratch"
sed -i 's/^publish = false$/publish = true/' Cargo.toml
CARGO_TARGET_DIR=$scratch/target cargo package --quiet --no-verify --allow-dirty \
  -p seedbed-derive -p seedbed-sim -p seedbed-tokio -p seedbed-models -p seedbed-properties -p seedbed-traces
printf 'package-proof: passed: %s\n' "$(ls target/package/*.crate | xargs -n 1 basename | tr '\n' ' ')"
