"""What a run's files say of its state."""

import math
import shutil

import pytest

from neuromf.errors import InputError
from neuromf.training.records.pace import Mark, seconds_per_step
from neuromf.watch.screen import progress_line
from neuromf.watch.status import RunState, duration
from neuromf.watch.step_rate import StepRate
from neuromf.watch.watcher import Watcher


def state(run):
    return Watcher(run.root).look().status.state


def test_a_folder_without_a_row_is_running_when_young_and_silent_when_old(run):
    """Nothing is shown of a run before its first step, but whether one is to be expected."""
    view = Watcher(run.root).look()
    assert (view.status.state, view.status.step, view.status.total) == (RunState.RUNNING, 0, 60)
    assert all(quantity.last is None for quantity in view.quantities)
    run.silent_for(3600)
    assert state(run) is RunState.SILENT


def test_a_young_row_is_a_life_sign_and_an_old_one_is_none(run):
    """Without a checkpoint at the last row, a run that does not write is silent."""
    run.write(5)
    assert state(run) is RunState.RUNNING
    run.silent_for(3600)
    view = Watcher(run.root).look()
    assert view.status.state is RunState.SILENT
    assert view.status.age == pytest.approx(3600, abs=60)
    assert view.seconds_left is None


def test_slow_steps_are_waited_for(run):
    """Twenty durations of a step pass before a run is called silent, however long they are."""
    run.write(5)
    run.took(50.0, steps=5, ago=900)
    assert state(run) is RunState.RUNNING
    run.took(40.0, steps=5, ago=900)
    assert state(run) is RunState.SILENT


def test_a_checkpoint_where_none_is_due_is_a_pause(run):
    """`--max-steps` leaves one; at a due step only time tells a pause from a run under way."""
    run.write(7)
    run.save(7)
    assert state(run) is RunState.PAUSED
    run.write(10, first=7)
    run.save(10)
    assert state(run) is RunState.RUNNING
    run.silent_for(3600)
    assert state(run) is RunState.PAUSED


def test_all_steps_done_is_finished(run):
    """A finished run stays finished however old it is."""
    run.write(60)
    run.silent_for(1e6)
    assert state(run) is RunState.FINISHED


def test_a_halt_is_known_by_its_event_and_by_its_checkpoint(run):
    """Either says so; the event names the law."""
    run.write(5)
    run.save(5, halted="raw loss 9 is 100 times its initial level")
    assert state(run) is RunState.HALTED
    run.tell(level="halt", law="GUARD-005", value="4", bound="<= 3")
    assert "GUARD-005" in Watcher(run.root).look().status.reason


def test_a_step_that_did_not_repeat_itself_is_a_state_of_its_own(run):
    """The machine is at fault, and another may go on."""
    run.write(5)
    run.tell(level="halt", law="NUM-002")
    assert state(run) is RunState.IRREPRODUCIBLE


def test_warnings_and_notes_halt_nothing(run):
    """Only a halt ends a run."""
    run.write(5)
    run.tell(level="info", law="GUARD-001")
    run.tell(level="warn", law="GUARD-004")
    view = Watcher(run.root).look()
    assert view.status.state is RunState.RUNNING
    assert [event.law for event in view.alarms] == ["GUARD-004"]


def test_a_damaged_newest_checkpoint_is_passed_over(run):
    """The one before it tells."""
    run.write(7)
    run.save(7)
    run.save(8)
    (run.root / "checkpoints" / "step_00000008" / "state.json").write_text("{")
    assert state(run) is RunState.PAUSED


def test_an_event_that_is_half_written_waits(run):
    """The line that is being written is not an error."""
    run.tell()
    with run.folder.events.open("a") as stream:
        stream.write('{"step": 4, "le')
    assert len(Watcher(run.root).look().alarms) == 1


@pytest.mark.parametrize("line", ["[]", "{", '{"step": 1}', '{"step": "x", "level": "warn", "law": "", "message": ""}'])
def test_an_event_log_of_another_kind_is_one_sentence(run, line):
    """Bad input names the file."""
    run.folder.events.write_text(line + "\n")
    with pytest.raises(InputError, match=r"events\.jsonl"):
        Watcher(run.root).look()


def test_losses_are_shown_with_their_start(run):
    """Medians of the first and the newest ten steps, and the last; the weighted loss beside them does not move."""
    run.write(40)
    shown = {quantity.name: quantity for quantity in Watcher(run.root).look().quantities}
    raw, weighted = shown["raw_total"], shown["weighted"]
    assert raw.start == pytest.approx((4 / 5 + 4 / 6) / 2, rel=1e-8)
    assert raw.last == pytest.approx(4 / 40)
    assert raw.ratio == pytest.approx(raw.recent / raw.start)
    assert (weighted.start, weighted.recent, weighted.last) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("steps", [2, 3, 8, 15, 19])
def test_the_levels_of_a_short_run_share_no_step(run, steps):
    """Of a loss that falls from step to step the newest level is below the first, from the second step on."""
    run.write(steps)
    view = Watcher(run.root).look()
    raw = view.quantities[0]
    assert view.window == steps // 2
    assert raw.recent < raw.start


def test_after_one_step_there_is_no_level_beside_the_first(run):
    """One number stands against nothing."""
    run.write(1)
    raw = Watcher(run.root).look().quantities[0]
    assert (raw.start, raw.recent, raw.last, raw.ratio) == (4.0, None, 4.0, None)


def test_a_level_with_a_number_that_is_none_is_none(run):
    """A NaN among ten is not sorted away."""
    run.write(12)
    run.write(13, first=12, raw_total=math.nan)
    run.write(20, first=13)
    quantity = Watcher(run.root).look().quantities[0]
    assert math.isnan(quantity.recent)
    assert quantity.start < 4


def copied(run, folder, *left_out):
    """The run as a person copies it: every file with the date of the copying."""
    target = folder / "copy"
    shutil.copytree(run.root, target, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns(*left_out))
    return Watcher(target).look()


def test_a_copied_run_is_as_fast_as_it_was(run, tmp_path):
    """The times that the run recorded count, not the dates of its files."""
    run.write(40)
    run.took(2.5, steps=40, ago=10)
    assert copied(run, tmp_path).seconds_per_step == pytest.approx(2.5)


def test_a_copied_run_that_was_killed_is_silent(run, tmp_path):
    """It was silent before it was copied, and copying is no life sign."""
    run.write(5)
    run.silent_for(86_400)
    view = copied(run, tmp_path)
    assert view.status.state is RunState.SILENT
    assert view.status.age == pytest.approx(86_400, abs=60)


def test_of_a_run_that_recorded_no_times_none_is_told(run, tmp_path):
    """As those of earlier versions: the dates of its files say nothing of a step."""
    run.write(40)
    view = copied(run, tmp_path, "pace.csv")
    assert view.seconds_per_step is None
    assert "time of a step unknown" in progress_line(view)


def test_a_run_that_is_seen_to_go_on_is_running_whatever_its_clock_says(run):
    """Its times come from another machine, whose clock may be an hour behind."""
    run.write(5)
    run.silent_for(3600)
    watcher = Watcher(run.root)
    assert watcher.look().status.state is RunState.SILENT
    run.write(6, first=5)
    run.silent_for(3600)
    assert watcher.look().status.state is RunState.RUNNING


def test_no_time_passes_between_two_sessions():
    """A night between a kill and the resume slows no step; the newest session that made one tells."""
    first = [Mark(0, 0, 1000.0), Mark(0, 100, 1050.0)]
    assert seconds_per_step([*first, Mark(1, 90, 41_000.0)]) == 0.5
    assert seconds_per_step([*first, Mark(1, 90, 41_000.0), Mark(1, 110, 41_040.0)]) == 2.0


@pytest.mark.parametrize(
    "marks",
    [
        [],
        [Mark(0, 0, 5.0)],
        [Mark(0, 0, 5.0), Mark(0, 3, 5.0)],
        [Mark(0, 3, 9.0), Mark(0, 3, 10.0)],
        [Mark(0, 0, 9.0), Mark(0, 3, 8.0)],
        [Mark(0, 0, 9.0), Mark(0, 3, 4.0), Mark(0, 5, 12.0)],
    ],
)
def test_times_that_tell_no_speed_tell_none(marks):
    """No step, no time, or a clock that was set back."""
    assert seconds_per_step(marks) is None


def test_a_watched_speed_stands_in_where_none_was_recorded():
    """Five watched steps are enough; a run that went back is timed anew."""
    pace = StepRate()
    assert pace.see(10, [], restarted=False, now=10.0) is None
    assert pace.see(15, [], restarted=False, now=30.0) == 4.0
    assert pace.see(16, [Mark(0, 0, 1.0), Mark(0, 16, 9.0)], restarted=False, now=34.0) == 0.5
    assert pace.see(12, [], restarted=True, now=90.0) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.3, "0.3 s"), (59.6, "60 s"), (119, "119 s"), (7199, "120.0 min"), (2e5, "2.3 d")]
)
def test_a_duration_has_its_largest_fitting_unit(seconds, words):
    """From two units on."""
    assert duration(seconds) == words
