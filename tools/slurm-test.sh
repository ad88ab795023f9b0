#!/bin/sh
# Tries examples/cluster on this machine: Slurm's daemons on loopback, an array of 4 tasks over 12
# points, one task cancelled and requeued, all merged to 12 results. Needs root and Debian's
# slurm-wlm and munge, which it installs if they are missing; what it starts, it ends.
#
#   tools/slurm-test.sh
set -eu
# Long enough that a task is in the midst of a point when it is cancelled.
[ $# -gt 0 ] || set -- --steps 3000

project=$(cd "$(dirname "$0")/.." && pwd)
mnemo=${MNEMO:-$project/.build/release/mnemo}
folder=$(mktemp -d /tmp/mnemo-slurm.XXXXXX)
host=$(hostname -s)

if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null; then
  echo "installing slurm-wlm"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge \
    >/dev/null
fi

# Without a cluster's key nobody could tell who asks.
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
  mkdir -p /run/munge && chown munge /run/munge
  [ -f /etc/munge/munge.key ] || { mungekey 2>/dev/null || create-munge-key; }
  munged --force && started_munge=1
fi

mkdir "$folder/state" "$folder/spool" "$folder/work"
cat > "$folder/slurm.conf" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$folder/slurm.conf

finish() {
  for pid in "$folder"/slurmd.pid "$folder"/slurmctld.pid; do
    [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null || true
  done
  [ -n "${started_munge:-}" ] && [ -f /run/munge/munged.pid ] \
    && kill "$(cat /run/munge/munged.pid)" 2>/dev/null || true
}
trap finish EXIT

slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"

# Waits up to five minutes for a condition.
wait_for() {
  what=$1; shift
  for _ in $(seq 600); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.5
  done
  echo "never: $what"; tail -n 20 "$folder"/*.log; exit 1
}
is_idle() { sinfo -h -o %T | grep -q idle; }
has_begun() { [ -s "$folder/work/runs/rates.task2-of-4.sqlite" ]; }
is_over() { [ -z "$(squeue -h)" ]; }

wait_for "the node is idle" is_idle
cd "$folder/work"
job=$(MNEMO=$mnemo SCRIPT=$project/examples/cluster/sweep.lua \
  sbatch --parsable --array=1-4 --cpus-per-task=1 "$project/examples/cluster/array.sh" "$@")
echo "array $job of 4 tasks over 12 points"

wait_for "task 2 began" has_begun
sleep 1
scancel "${job}_2"
wait_for "task 2 was requeued" scontrol requeue "${job}_2"
"$mnemo" runs --store runs/rates.task2-of-4.sqlite
echo "task 2 was cancelled and requeued"
# Slurm would let it wait for two minutes.
scontrol update JobId="${job}_2" StartTime=now
wait_for "all tasks are over" is_over

tail -q -n 1 rates-*.log
"$mnemo" runs merge --store runs/rates.sqlite runs/rates.task*-of-4.sqlite
count=$("$mnemo" -e "print(#mnemo.store('runs/rates.sqlite'):sql \
  [[SELECT 1 FROM sweep_results WHERE state = 'done']])" </dev/null)
echo "$count results"
cd "$folder/work" && "$mnemo" "$project/examples/cluster/sweep.lua" "$@" || true
[ "$count" = 12 ] && echo "passed; see $folder"
