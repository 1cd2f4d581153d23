"""A bisect's golden oracle: the first divergence from a golden trace."""

from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.oracle_kinds import answer
from neuromf.config.resolve import flat_config
from neuromf.golden.case import read_case

CASE = "x_exact"


def outcome(**changes):
    config = flat_config(read_case(CASE).config)
    return answer(Task(oracle=f"golden:{CASE}", config={**config, **changes}, good=config, seed=1, micro_batches=1))


def test_a_case_agrees_with_its_golden_trace():
    """Whatever the probe's seed: a golden trace has one of its own."""
    assert outcome().verdict is ProbeVerdict.HEALTHY


def test_another_rate_parts_from_it():
    """1.1 times the learning rate is seen at step 0, column lr."""
    rate = read_case(CASE).config.training.learning_rate
    found = outcome(**{"training.learning_rate": 1.1 * rate})
    assert (found.verdict, found.detail) == (ProbeVerdict.BROKEN, "differs first at step 0, column lr")
