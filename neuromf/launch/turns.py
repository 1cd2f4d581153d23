"""What the script of a training says about its turns: from where one goes on, and that one has saved nothing."""

from __future__ import annotations

ALONE = """\
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  echo "neuromf: this is a task of a job array, whose tasks would all write $run; submit the script without --array"
  exit 2
fi"""
"""An array that was asked for by hand, or by the environment of whoever submits the script."""

LISTENS = """\
# At the beginning of a preempted job's grace SLURM tells its steps and not this script: this step does nothing else.
if [ -n "${SLURM_JOB_ID:-}" ] && command -v srun > /dev/null; then
  {
    srun --overlap --nodes=1 --ntasks=1 bash -c 'trap "exit 9" TERM; while :; do sleep 600 & wait $!; done'
    [ $? != 9 ] || kill -s TERM $$
  } < /dev/null > /dev/null 2>&1 &
fi"""
"""For a training that is no step itself."""

TURN_BEGINS = """\
open_turn=$folder/open_turn  # the checkpoint that the turn under way began with; empty between turns
record=$folder/launch.json
keep_record() { [ ! -d "$run" ] || [ ! -e "$record" ] || echo "$(<"$record")" > "$run/launch.json"; }
find_newest() { newest=; for one in "$run"/checkpoints/step_*/state.json; do [ ! -e "$one" ] || newest=${one%/*}; done
newest=${newest##*/}; }
find_newest
began=$newest
if [ -s "$open_turn" ]; then
  read -r former < "$open_turn"
  told="saved"
  [ "$former" != "${began:-none}" ] || told="saved nothing new"
  echo "neuromf: the turn before this one was ended by force and $told; this one goes on from ${began:-the beginning}"
fi
echo "${began:-none}" > "$open_turn"
keep_record"""

TURN_ENDS = """\
keep_record
: > "$open_turn"
look
find_newest
if [ "$code" != 0 ] && [ "$newest" = "$began" ] && [ "$reached" = "$before" ]; then
  echo "neuromf: this turn ended with code $code and without a new checkpoint;\\
 the run stands at ${began:-its beginning}"
fi"""
