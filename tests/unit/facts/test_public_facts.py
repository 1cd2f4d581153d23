"""Trainings of three public codes: their facts are judged, and the importers find the same facts."""

from pathlib import Path

import pytest

from neuromf.facts.importers import import_facts
from neuromf.facts.read import read_facts
from neuromf.gate.facts_verdict import judge_facts
from tests.unit.facts.public_code_files import checkout
from tests.unit.facts.test_meanflow_jax import RUN
from tests.unit.facts.test_py_meanflow import SCRIPT

FOLDER = Path(__file__).parents[3] / "golden/public_facts"
EXPECTED = {
    "neuromf_xpred_exact": ("PASS", [], ["JVP-005", "EMA-002"]),
    "neuromf_upred_fd": ("BLOCKED", ["JVP-003", "JVP-005"], []),
    "py_meanflow_cifar10_v1": ("PASS", [], []),
    "meanflow_jax_b4": ("PASS", [], []),
}


def configurations(folder):
    """Files of the shape of each code, with the values that the facts were read from."""
    main = checkout(folder)
    (folder / "steps.yaml").write_text("optimiser_steps: 1860\n")
    (folder / "start.sh").write_text(SCRIPT)
    (folder / "run.yml").write_text(RUN)
    return {
        "neuromf_xpred_exact": [main, main.parent / "cluster/train_meanflow.yaml", folder / "steps.yaml"],
        "neuromf_upred_fd": [main, folder / "difference.yaml"],
        "py_meanflow_cifar10_v1": [folder / "start.sh"],
        "meanflow_jax_b4": [folder / "run.yml"],
    }


def test_every_file_of_facts_is_expected():
    """The folder holds the trainings that are listed here and no other."""
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_published_training_is_judged_by_its_outcome(name):
    """What succeeded is not blocked, what diverged is, and the file says what it says."""
    verdict = judge_facts(read_facts(FOLDER / f"{name}.yaml"))
    assert (verdict.status, verdict.laws("block"), verdict.laws("warn")) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_importers_find_the_facts_that_were_written_down(name, tmp_path):
    """Read by hand and read by the importer, a training has the same facts, and none more."""
    by_hand = read_facts(FOLDER / f"{name}.yaml").facts.model_dump(exclude_unset=True)
    found = import_facts(configurations(tmp_path)[name]).facts.model_dump(exclude_unset=True)
    assert set(found) == set(by_hand)
    # Decays that are powers are written to four digits.
    numbers = {key for key, value in by_hand.items() if isinstance(value, float)}
    assert {key: found[key] for key in numbers} == pytest.approx({key: by_hand[key] for key in numbers}, rel=1e-4)
    assert {key: found[key] for key in set(found) - numbers} == {key: by_hand[key] for key in set(found) - numbers}


def test_what_was_found_has_an_origin(tmp_path):
    """Each fact of each code says where it was read."""
    for paths in configurations(tmp_path).values():
        found = import_facts(paths)
        assert set(found.origin) == found.facts.model_fields_set
        assert all(found.origin.values())
