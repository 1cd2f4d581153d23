"""What is shown while scans are encoded or tried can be read, however fast it goes and however files are named."""

import numpy as np
import pytest

from neuromf.cli.check_vae import _table
from neuromf.cli.encoding import Pace
from neuromf.data.reconstruction import Reconstruction
from neuromf.data.similarity import Similarity


@pytest.mark.parametrize(
    ("done", "said"),
    [(11, "10 scans a minute, 60 s left"), (1414, "1,413 scans a minute"), (84_801, "84,800 scans a minute")],
)
def test_a_speed_has_no_exponent(done, said):
    """A minute after the first scan."""
    times = iter([0.0, 60.0])
    pace = Pace(clock=lambda: next(times))
    assert pace.note(1, 100_000) == ""
    assert pace.note(done, done + 10).startswith(said)


def test_the_worst_scans_are_told_apart_where_all_files_have_one_name():
    """FOMO-60K calls each t1.nii.gz: the scan's id names data set, subject and visit."""
    names = ["PT001_SET_sub_1_ses_1_t1", "PT001_SET_sub_2_ses_1_t1"]
    part, empty = Similarity(25.0, 0.9, 0.9), np.zeros((16, 16, 16), np.float32)
    made = [Reconstruction(name, {"head": part}, 20.0, empty, empty) for name in names]
    assert _table(made)[-2:] == [f"   25.00 dB  {name}" for name in names]
