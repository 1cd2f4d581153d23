"""What a worker is given for a probe."""

from neuromf.bisect.session import calibration_probes
from neuromf.bisect.study import make_study


def test_only_the_good_end_has_a_reference_of_another_seed():
    """Otherwise the good end is compared with itself, and its false alarms are none by construction."""
    study = make_study("phase4c", "failed_225", "metric:raw_mf")
    tasks = [study.task(probe) for probe in calibration_probes(study.full, study.seed)]
    good, bad = tasks[::2], tasks[1::2]
    assert all(task.reference.training.seed == task.mixture.training.seed for task in bad)
    seeds = [task.reference.training.seed for task in good]
    assert len({*seeds, *(task.seed for task in tasks)}) == len(seeds) + len(tasks)
