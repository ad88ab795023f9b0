#!/bin/sh
# An array of tasks for Slurm, each with its share of the sweep in a store of its own:
#
#   sbatch --array=1-4 examples/cluster/array.sh
#   mnemo runs merge --store runs/rates.sqlite runs/rates.task*.sqlite
#
# A task that is cancelled or loses its machine is put back into the queue, and goes on where it
# was. SIGTERM, which Slurm sends before it kills, gives the point at hand back.
#SBATCH --job-name=rates
#SBATCH --cpus-per-task=2
#SBATCH --time=00:30:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=rates-%a.log

exec "${MNEMO:-mnemo}" "${SCRIPT:-examples/cluster/sweep.lua}" "$@"
