"""What several ranks are told before they begin to encode, by rank 0 alone."""

import nibabel
import numpy as np

from neuromf.cli.training import _look_first
from neuromf.data.chosen import Cohort
from neuromf.data.nifti import read_volume
from neuromf.training.process_group.interruption import listening
from tests.support.bad_scans import write_good
from tests.support.tiny_run import make_tiny_config


def test_a_background_that_is_no_number_is_told_by_the_first_look(tmp_path, monkeypatch, capsys):
    """As a single process tells it, which looks through the scans as it opens the store."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    path, *_ = write_good(tmp_path / "scans", 3)
    volume = read_volume(path)
    data = volume.data.copy()
    data[0] = np.nan  # a face of the volume, so outside the head
    nibabel.save(nibabel.Nifti1Image(data, volume.affine), path)
    config = make_tiny_config("data.source=folder", f"data.root={tmp_path / 'scans'}", "data.spacing_mm=8.0")
    with listening() as interrupted:
        _look_first(config, Cohort(config.data), tmp_path / "run", interrupted)
    assert "1 scan with NaN around the head, first" in capsys.readouterr().out
