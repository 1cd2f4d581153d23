"""What a name on the command line stands for, and where the configurations of two sides differ."""

import math
import shutil
from pathlib import Path

import pytest

from neuromf.comparison.table import read_table
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.golden.case import case_names, read_case
from neuromf.golden.sources import Side, config_changes, read_side
from neuromf.golden.store import tolerance_frame
from tests.support.reported_run import STEPS, write_run
from tests.support.tiny_run import make_tiny_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder."""
    return write_run(tmp_path_factory.mktemp("runs") / "run", samples=())


def test_a_runs_folder_is_its_trace_with_the_configuration_that_it_keeps(run, tmp_path):
    """Without `config.yaml` every key is unknown; a trace file alone has none either, and nothing was measured."""
    config = flat_config(make_tiny_config("training.epochs=8", "training.checkpoint_every_steps=4"))
    bare = shutil.copytree(run, tmp_path / "bare")
    (bare / "config.yaml").unlink()
    for path, known in ((run, config), (bare, {}), (run / "trace.csv", {})):
        side = read_side(str(path))
        assert (side.name, side.config, side.tolerances) == (str(path), known, {})
        assert read_table(side.trace).steps.tolist() == list(range(STEPS))


@pytest.mark.parametrize("name", case_names())
def test_a_golden_case_is_its_trace_with_the_tolerances_that_were_measured(name):
    """Its configuration is the one it trains, and each column has its row's tolerance."""
    side, case = read_side(name), read_case(name)
    assert (side.name, side.config) == (name, flat_config(case.config))
    assert read_table(side.trace).steps.tolist() == list(range(case.contract.steps))
    measured = tolerance_frame(case).set_index("column")
    assert {column: tolerance.rtol for column, tolerance in side.tolerances.items()} == measured["rtol"].to_dict()
    demoted = {column for column, tolerance in side.tolerances.items() if tolerance.atol == math.inf}
    assert demoted == set(measured.index[measured["kind"] == "demoted"])


def test_a_path_of_a_cases_name_is_the_path(run, tmp_path, monkeypatch):
    """What lies here comes before what is shipped."""
    shutil.copytree(run, tmp_path / "x_exact")
    monkeypatch.chdir(tmp_path)
    assert read_table(read_side("x_exact").trace).steps.tolist() == list(range(STEPS))


def test_what_holds_no_trace_is_refused_with_what_does(tmp_path):
    """A folder without a trace, and a name of nothing; every golden case is named as one that does."""
    for name in (str(tmp_path), "x_exakt"):
        with pytest.raises(InputError, match=f"'{name}' holds no trace") as caught:
            read_side(name)
        assert all(case in caught.value.remedy for case in ("trace.csv", *case_names()))


def side(**config):
    return Side("a", Path("a"), config, {})


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize(
    ("golden", "actual", "changes"),
    [
        (side(a=1, b=2.0, c=None), side(a=1, b=3.0, c=None), {"b": (2.0, 3.0)}),
        (side(a=1, b=2.0), side(a=1, b=2.0), {}),
        (side(a=1), side(a=1.0), {"a": (1, 1.0)}),
        (side(a=math.nan), side(a=math.nan), {}),
        (side(), side(a=1), None),
        (side(a=1), side(), None),
    ],
    ids=["one key", "none", "kind", "nan", "golden unknown", "trace unknown"],
)
def test_the_keys_that_differ_are_told_with_both_values(golden, actual, changes):
    """A number of another kind differs; where either configuration is unknown, none is said to be equal."""
    assert repr(config_changes(golden, actual)) == repr(changes)
