#!/usr/bin/env bash
# The deep sweeps: of every component a million seeds under swarm, and two hundred thousand under pct and under uniform, sizes
# drawn. It takes hours. Each sweep that has ended is a line of the record; those that the record has, for this version of the
# sources, are not run again. Ends with 1 where a sweep has found a violation: the record then says so, and has the seeds.
#   scripts/deep-sweep.sh [COMPONENT…]          all, if none is named
#   PART=1/100 scripts/deep-sweep.sh raft       the first hundredth of the seeds, for a try (printed, not recorded)
#   PROGRAM=… RECORD=… scripts/deep-sweep.sh    another program, another record
#   SAME_AS=FOLDER scripts/deep-sweep.sh [COMPONENT…]
#       For a change that is to change no run, such as one for speed. FOLDER is a checkout from before it, built. A fiftieth of
#       each sweep is run by both programs: where all runs are the same, by their fingerprint, the record of those sources is
#       that of these too. Ends with 1 where one is not.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=${PROGRAM:-$root/target/release/seedbed}
record=${RECORD:-$root/docs/deep-sweeps.tsv}
part=${PART:-1/1}
before=${SAME_AS:-}
[ -z "$before" ] || part=1/50
[ -x "$program" ] || { echo "deep-sweep: there is no program at $program; cargo build --release" >&2; exit 2; }
[ -z "$before" ] || [ -x "$before/target/release/seedbed" ] || { echo "deep-sweep: $before is not built" >&2; exit 2; }

# What decides about the runs of a component: the simulator, but for what records, shrinks and hosts programs; what all models
# and properties share; and the component's own sources with those of what it hosts.
#   version_of COMPONENT [FOLDER]
version_of() {
  local own
  case $1 in
    raft | crdt) own=replication/$1 ;;
    coherence) own="caching/coherence caching/litmus" ;;
    lock) own="caching/lock replication/raft" ;;
    echo | tutorial) own=examples ;;
    request_response | stream | gossip) own=communication/$1 ;;
    ordering | message_queue | log_broker) own="communication/$1 replication/raft" ;;
    *) own="transactions replication/raft" ;;
  esac
  local paths=(sim/src ':!sim/src/host' ':!sim/src/shrink' models/src/parts properties/src/checkers)
  # The components of this family share what is beside their folders, and do not use each other; those that do not promise atomic
  # commitment are not judged by its strict serializability either.
  local other
  for other in saga tcc outbox mvcc two_phase_commit three_phase_commit; do
    [ "$other" = "$1" ] || paths+=(":!models/src/transactions/$other" ":!properties/src/transactions/$other" ":!properties/src/transactions/$other.rs")
  done
  case $1 in saga | tcc | outbox | mvcc) paths+=(':!properties/src/transactions/serializable.rs') ;; esac
  for folder in $own; do paths+=("models/src/$folder" "properties/src/$folder" "properties/src/$folder.rs"); done
  (cd "${2:-$root}" && git ls-files -s -- "${paths[@]}" | sha256sum | cut -c1-12)
}
components=("$@")
[ $# -gt 0 ] || mapfile -t components < <("$program" list --json | python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["model"])')

# Runs a sweep, and prints its line of the record.
#   sweep PROGRAM COMPONENT STRATEGY SEEDS VERSION
sweep() {
  local program=$1 component=$2 strategy=$3 seeds=$4 version=$5 lines status=0
  lines=$(mktemp)
  "$program" sweep "$component" --strategy "$strategy" --seeds "$seeds" --no-shrink --json > "$lines" || status=$?
  [ "$status" -le 1 ] || { rm -f "$lines"; return "$status"; }
  python3 - "$component" "$strategy" "$seeds" "$version" "$lines" <<'PYTHON'
import datetime, json, sys
component, strategy, seeds, version, lines = sys.argv[1:]
lines = [json.loads(line) for line in open(lines)]
summary = next(line["summary"] for line in lines if "summary" in line)
failed = " ".join(f"{line['seed']}:{line['property']}" for line in lines if "seed" in line)
violations = f"{summary['violations']} ({failed})" if failed else str(summary["violations"])
today = datetime.date.today().isoformat()
print(component, strategy, seeds, summary["events"], violations, summary["fingerprint"], today, version, sep="\t")
PYTHON
  rm -f "$lines"
  return "$status"
}

if [ "$part" = 1/1 ] && [ ! -s "$record" ]; then
  printf 'component\tstrategy\tseeds\tevents\tviolations\tfingerprint\tdate\tsources\n' > "$record"
fi
found=0
for component in "${components[@]}"; do
  version=$(version_of "$component")
  for sweep in swarm:1000000 pct:200000 uniform:200000; do
    strategy=${sweep%:*}
    all=0..${sweep#*:}
    seeds=0..$((${sweep#*:} * ${part%/*} / ${part#*/}))
    status=0
    if [ -n "$before" ]; then
      earlier=$(version_of "$component" "$before")
      new=$(sweep "$program" "$component" "$strategy" "$seeds" -) || status=$?
      old=$(sweep "$before/target/release/seedbed" "$component" "$strategy" "$seeds" -) || status=$?
      [ "$status" -le 1 ] || exit "$status"
      if [ "$new" = "$old" ]; then
        echo "$component $strategy $seeds: the same"
        sed -i "s/^\($component\t$strategy\t$all\t.*\t\)$earlier\$/\1$version/" "$record"
      else
        printf 'not the same:\n%s\n%s\n' "$old" "$new"
        found=1
      fi
    elif [ "$part" != 1/1 ]; then
      sweep "$program" "$component" "$strategy" "$seeds" "$version" || status=$?
    elif ! grep -q "^$component	$strategy	$all	.*	$version\$" "$record"; then
      line=$(sweep "$program" "$component" "$strategy" "$seeds" "$version") || status=$?
      [ -z "$line" ] || echo "$line" | tee -a "$record"
    fi
    [ "$status" -le 1 ] || exit "$status"
    [ "$status" = 0 ] || found=1
  done
done
exit "$found"
