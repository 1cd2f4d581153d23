"""The pictures of what a run drew while it trained."""

import torch
from safetensors.torch import save_file

from neuromf.report.run_facts import read_runs
from neuromf.report.sample_slices import MOST_FILES, sample_strip
from tests.support.reported_run import write_run


def test_a_damaged_sample_is_named_and_the_others_are_shown(tmp_path):
    """A torn file and one of another shape cost their own pictures alone."""
    folder = write_run(tmp_path / "run", samples=[4, 8, 16])
    (folder / "previews" / "step_00000004.safetensors").write_bytes(b"torn")
    save_file({"latents": torch.zeros(1, 4, 2, 2, 2)}, folder / "previews" / "step_00000016.safetensors")
    strip = sample_strip(read_runs([folder])[0], decoded=False)

    assert strip.note.endswith("Not readable: step_00000004.safetensors, step_00000016.safetensors.")
    assert [picture.step for picture in strip.slices] == [8]


def test_of_many_samples_the_first_the_last_and_some_between_are_shown(tmp_path):
    """At most eight pictures."""
    strip = sample_strip(read_runs([write_run(tmp_path / "run", samples=range(1, 30))])[0], decoded=False)

    assert len(strip.slices) == MOST_FILES
    assert (strip.slices[0].step, strip.slices[-1].step) == (1, 29)
