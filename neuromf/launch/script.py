"""The body of the job script, in plain bash: it uses no program but those of SLURM and Python."""

from __future__ import annotations

BODY = """\
set -u
cd {cwd} || exit
export PYTHONSAFEPATH=1  # a folder named torch or neuromf there is not ours
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT={grace}  # torchrun kills its processes 30 s after it told them to save
run={run}
folder={folder}
cores=${{SLURM_CPUS_PER_TASK:+--cpus-per-task=$SLURM_CPUS_PER_TASK}}  # srun does not take them from the job
progress=$folder/progress  # a line of the trainer's: another one whenever the run got further
idle=$folder/idle_turns${{SLURM_ARRAY_TASK_ID:+.$SLURM_ARRAY_TASK_ID}}  # job, and its turns that got no further
resume=
if [ -e "$run/config.yaml" ]; then resume=--resume; fi
reached=
look() {{ reached=; [ ! -e "$progress" ] || read -r reached < "$progress"; }}
out_of_time=0 asked= training=
pass_on() {{ [ -z "$asked" ] || return 0; asked=$1; [ -z "$training" ] || kill -s "$1" "$training"; }}
trap 'out_of_time=1; pass_on USR1' USR1  # before the training is there: untrapped, a signal ends this shell
trap 'pass_on {term}' TERM
{begins}
look
before=$reached
{command} {each_turn} &
training=$!
[ -z "$asked" ] || kill -s "$asked" "$training"
{listens}
while :; do
  wait "$training"
  code=$?
  kill -0 "$training" 2>/dev/null || break  # a signal ends the waiting before the training ends
done
wait "$training" 2>/dev/null  # it may have ended between these two: its own code then, which the shell keeps
last=$?
[ "$last" = 127 ] || code=$last
{ends}
unfinished=0
# A preempted job that ends within its grace is not queued again by SLURM; one that was cancelled runs no more.
preempted() {{
  [ -n "$asked" ] && [ -n "${{SLURM_JOB_ID:-}}" ] && shown=$(scontrol show job "$SLURM_JOB_ID") || return 1
  case "$shown" in *JobState=RUNNING*PreemptTime=[0-9]*) return 0 ;; *) return 1 ;; esac
}}
if [ "$out_of_time" = 1 ] || preempted; then
  case "$code" in {unfinished}) unfinished={requeues} ;; esac
fi
if [ "$unfinished" = 1 ] && [ -n "${{SLURM_JOB_ID:-}}" ]; then
  look
  number= turns=0
  if [ "$reached" = "$before" ]; then
    [ ! -e "$idle" ] || read -r number turns < "$idle"
    [ "$number" = "$SLURM_JOB_ID" ] || turns=0
    turns=$((turns + 1))
  fi
  if [ "$turns" -ge {most_idle} ]; then
    echo "neuromf: {most_idle} turns in a row got no further, so this job is not queued again: see above what keeps it,\
 give it more time, and submit $folder/job.sh"
  elif echo "$SLURM_JOB_ID $turns" > "$idle" || [ "$turns" = 0 ]; then  # an idle turn that is not kept is not counted
    scontrol requeue "$SLURM_JOB_ID"
  fi
fi
exit "$code"
"""
