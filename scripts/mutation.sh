#!/usr/bin/env bash
# Mutation testing of the models: a random sample of mutants, each of which a sweep of 3,000 seeds or a test should kill.
#   scripts/mutation.sh [--sample N] [--family NAME,…] [--seed S] [--seeds N] [--jobs N] [--scratch DIR] [--only N,…] [--no-tests]
#     [--check]
# All mutants of the sample are compiled into one copy of the repository, each behind a switch, so there is one build of the tool
# and one of the tests. --family takes mutants of these folders of models/src alone. Writes docs/mutation-results.tsv, where the
# lines of other families stay, and with --only, by the numbers of SCRATCH/mutants.tsv, those of other mutants. Ends with 1 if fewer
# than 95 % of those that are not equivalent are killed, a survivor has no line in docs/mutation-survivors.tsv, or one of the sample
# was never tried; --check judges only that. Takes about an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/mutation} \
  cargo build --release --locked --quiet --manifest-path scripts/mutation/Cargo.toml
exec "${CARGO_TARGET_DIR:-target/mutation}/release/seedbed-mutation" "$@"
