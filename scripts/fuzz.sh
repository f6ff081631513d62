#!/usr/bin/env bash
# Feeds the tool with damaged traces, histories and results, and with odd command lines.
#
#   scripts/fuzz.sh [CASES] [SEED]        100,000 cases of each, of seed 0, if not given
#
# A failure prints the case, and the seed that gives it again. The gate runs 1,000 of each (traces/tests/tool/fuzz.rs).
set -euo pipefail
cd "$(dirname "$0")/.."
export SEEDBED_FUZZ_CASES="${1:-100000}" SEEDBED_FUZZ_SEED="${2:-0}"
cargo test --locked -p seedbed-traces --test tool -- fuzz:: --nocapture
