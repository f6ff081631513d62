#!/usr/bin/env bash
# Proves that a sweep which SLURM has cut, and in which a worker was killed and requeued, comes to the same as one process.
#
#   scripts/slurm-proof.sh [PROGRAM]        PROGRAM is target/release/seedbed if not given
#
# It runs a SLURM of its own on this machine, of two nodes on loopback ports, as root, in a scratch folder; submits
# deploy/slurm.sbatch itself; and takes about a minute. Where SLURM cannot be installed it says so and ends with 0.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/release/seedbed}")

say() { printf 'slurm-proof: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }
fail() { say "FAILED: $*"; exit 1; }

[ -x "$program" ] || fail "there is no program at $program; cargo build --release"
[ "$(id -u)" -eq 0 ] || skip "a SLURM with nodes of its own needs root"
missing() { ! command -v slurmctld slurmd sbatch scontrol munged >/dev/null; }
if missing; then
  command -v apt-get >/dev/null || skip "slurm-wlm and munge are not installed, and there is no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  say "installing slurm-wlm and munge"
  { apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1 ||
    skip "slurm-wlm and munge cannot be installed"
  missing && skip "slurm-wlm and munge are installed, but not all programs are there"
fi

scratch=$(mktemp -d)
daemons=()
stop() {
  local code=$?
  trap - EXIT INT TERM
  if [ "$code" -ne 0 ]; then tail -n 15 "$scratch"/*.log 2>/dev/null || true; fi
  # What still runs is ended before the daemons that could end it.
  if [ -n "${job:-}" ] && scancel "$job" 2>/dev/null; then
    for _ in {1..50}; do all_have_ended && break; sleep 0.1; done
  fi
  for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
  for daemon in "${daemons[@]}"; do wait "$daemon" 2>/dev/null || true; done
  rm -rf "$scratch"
  exit "$code"
}
trap stop EXIT INT TERM

# -- a SLURM of two nodes

cd "$scratch"
mkdir state spool-n1 spool-n2 munge
chmod 700 munge
dd if=/dev/urandom of=munge/key bs=1024 count=1 2>/dev/null
chmod 400 munge/key
munged --foreground --force --key-file="$scratch/munge/key" --socket="$scratch/munge/socket" \
  --pid-file="$scratch/munge/pid" --log-file="$scratch/munge.log" --seed-file="$scratch/munge/seed" >munged.out.log 2>&1 &
daemons+=($!)

ports=$((20000 + RANDOM % 10000))
host=$(hostname -s)
# A requeued task waits until its old credential has expired: two minutes, if not told otherwise.
cat >slurm.conf <<CONF
ClusterName=proof
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$scratch/munge/socket,cred_expire=5
SlurmctldPort=$ports
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool-%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/linear
SchedulerType=sched/builtin
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MailProg=/bin/true
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((ports + 1)) CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((ports + 2)) CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf

# Waits for a condition; gives up after so many seconds, with these words.
wait_for() {
  local seconds=$1 words=$2 tries
  shift 2
  for ((tries = 0; tries < seconds * 10; tries++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "$words (waited for $seconds s)"
}

wait_for 20 "munge does not come up" test -S munge/socket
slurmctld -D -i >slurmctld.log 2>&1 &
daemons+=($!)
for node in n1 n2; do
  slurmd -D -N "$node" >"slurmd-$node.log" 2>&1 &
  daemons+=($!)
done
nodes_are_up() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" -eq 2 ]; }
wait_for 60 "the two nodes do not come up" nodes_are_up
say "$(scontrol --version) is up with the nodes $(sinfo -h -N -o %N | sort -u | xargs)"

# -- the sweep: as an array of four tasks, one of which is killed

models=raft
seeds=0..20000
export SEEDBED=$program SEEDBED_RESULTS=$scratch/results
job=$(sbatch --parsable --array=0-3 "$root/deploy/slurm.sbatch" $models --seeds $seeds)
say "submitted deploy/slurm.sbatch as job $job, an array of four shards: $models, seeds $seeds"

victim=1
file=results/$job-$victim.jsonl
parts() { cat "$file" 2>/dev/null | grep -c '^{"part"' || true; }
has_begun() { [ "$(parts)" -ge 3 ]; }
wait_for 120 "task $victim does not write parts" has_begun
worker=$(pgrep -f "^$program sweep .*--results .*/$job-$victim\.jsonl" | head -n 1) || fail "task $victim has no process"
kill -KILL "$worker"
say "killed the worker of task $victim after $(parts) parts"

tasks_in() { squeue -h -r -j "$job" -o '%T' 2>/dev/null | grep -c "$1" || true; }
all_have_ended() { [ "$(tasks_in .)" -eq 0 ]; }
wait_for 240 "the other tasks do not end" all_have_ended
"$program" merge results/*.jsonl >merged.out 2>merged.err && fail "a merge without task $victim is taken for the whole"
grep -q "shard $victim/4 is incomplete" merged.err || fail "the merge does not name the shard: $(cat merged.err)"
say "the merge says: $(grep "shard $victim/4" merged.err | cut -c -100)"

scontrol requeue "${job}_$victim"
say "requeued task $victim"
has_ended_again() { grep -q 'start 2' "seedbed-$job-$victim.log" && all_have_ended; }
wait_for 240 "the requeued task does not end" has_ended_again
grep "parts are there already" "seedbed-$job-$victim.log" | sed 's/^/slurm-proof: its log says: /'

nodes=$(sed -n 's/^task .* on \(n[12]\), .*/\1/p' seedbed-"$job"-*.log | sort -u | xargs)
[ "$nodes" = "n1 n2" ] || fail "tasks ran on '$nodes' only"
say "tasks ran on both nodes: $(sed -n 's/^task \(.*\) on \(n[12]\), start \(.*\)/\1→\2 (start \3)/p' seedbed-"$job"-*.log | sort | paste -sd ' ')"

# -- the same in one process

fingerprint() { sed -n 's/^{"summary":.*"fingerprint":"\([0-9a-f]*\)".*/\1/p'; }
merged=$("$program" merge results/*.jsonl results/"$job"-0.jsonl --json | fingerprint)
alone=$("$program" sweep $models --seeds $seeds --json | fingerprint)
say "sharded, killed, requeued and merged: $merged"
say "one process:                          $alone"
[ -n "$merged" ] && [ "$merged" = "$alone" ] || fail "the fingerprints differ"
say "passed: the same fingerprint"
