"""The real bisect, as it was stored: three independent repeats of phase4c against failed_225."""

import csv
import json
from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "golden/bisect/real"
SEEDS = (0, 1, 2)
SCALE = {"unet.time_scale"}
DIFFERENCE = {
    "meanflow.fd_step", "meanflow.jvp", "training.gradient_accumulation_steps", "training.precision",
}  # fmt: skip


def result(seed):
    return json.loads((REAL / f"result.seed{seed}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_repeat_names_the_same_two_causes(seed):
    """The time scale alone, and the finite difference with bf16 and without accumulation; ddmin was not needed."""
    found = result(seed)
    causes = [{key for delta in cause["deltas"] for key in delta["keys"]} for cause in found["causes"]]
    assert sorted(causes, key=len) == [SCALE, DIFFERENCE]
    assert found["ending"] == "found"
    assert found["posterior"] >= 0.95
    assert not found["fallback"]


@pytest.mark.parametrize("seed", SEEDS)
def test_each_cause_and_its_minimality_was_confirmed(seed):
    """Alone it breaks, without any one of its deltas it does not; one mixture that should be healthy cannot be made."""
    claims = result(seed)["claims"]
    says = [claim["says"] for claim in claims]
    assert says.count("alone breaks the good run") == 2
    assert says.count("does not break the good run") == 4
    standings = [claim["standing"] for claim in claims]
    assert standings.count("untestable") == 1
    assert set(standings) == {"confirmed", "untestable"}
    assert all("healthy" in claim["says"] for claim in claims if claim["standing"] == "untestable")


def test_repeats_are_independent_and_of_one_question():
    """They differ in their seeds alone, and share no training."""
    questions = [result(seed)["question"] for seed in SEEDS]
    assert len({question.pop("seed") for question in questions}) == len(SEEDS)
    assert all(question == questions[0] for question in questions)
    trained = []
    for seed in SEEDS:
        with (REAL / f"evidence.seed{seed}.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == result(seed)["probes"]
        trained += [int(row["seed"]) for row in rows]
    assert len(trained) == len(set(trained))


def test_each_repeat_took_less_than_half_an_hour():
    """On two cores; the one that was killed and resumed too."""
    repeats = json.loads((REAL / "repeats.json").read_text(encoding="utf-8"))["repeats"]
    assert [repeat["seed"] for repeat in repeats] == list(SEEDS)
    assert all(repeat["wall_s"] <= 1800 for repeat in repeats)


def test_accumulation_only_delays():
    """Given as many updates, the second cause breaks the good run with accumulation too, in three of three seeds."""
    answers = json.loads((REAL / "as_many_updates.json").read_text(encoding="utf-8"))["answers"]
    assert [answer["verdict"] for answer in answers] == ["broken"] * 3
