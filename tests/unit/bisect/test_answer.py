"""The files that a bisect leaves: whole or not at all, and the answer itself last."""

import csv

import pytest

from neuromf.bisect import answer
from neuromf.bisect.answer import document, write_answer
from neuromf.bisect.oracle import Observation, Probe, ProbeOutcome, ProbePurpose, ProbeVerdict
from neuromf.bisect.posterior import Rates
from neuromf.bisect.question import BisectEnding, Conclusion
from neuromf.bisect.session import Finished
from neuromf.bisect.study import make_study
from neuromf.errors import InputError

CAUSE = 1


@pytest.fixture(scope="module")
def study():
    """The failed run against the recommended one."""
    return make_study("recommended", "failed_225", "law:JVP-003")


@pytest.fixture(scope="module")
def found(study):
    """An answer of one cause and one probe, whose detail holds what CSV must quote."""
    probe = Probe(index=0, subset=CAUSE, seed=0, purpose=ProbePurpose.SEARCH)
    seen = [Observation(probe, ProbeOutcome(ProbeVerdict.BROKEN, 1.5, 'said "no", twice'))]
    conclusion = Conclusion(
        ending=BisectEnding.FOUND, reason="", causes=(CAUSE,), guess=(), posterior=1.0, fallback=False
    )
    return document(study, Finished(conclusion, Rates(0.1, 0.1), seen))


def test_the_answer_is_complete(tmp_path, study, found):
    """Each file is there, and the evidence reads back."""
    files = write_answer(tmp_path, study, found, (CAUSE,))
    names = {"result.json", "evidence.csv", "good.yaml", "cause0.yaml", "test_cause0.py"}
    assert {path.name for path in files} == {path.name for path in tmp_path.iterdir()} == names
    (row,) = csv.DictReader((tmp_path / "evidence.csv").open(encoding="utf-8", newline=""))
    assert (row["verdict"], row["detail"]) == ("broken", 'said "no", twice')


@pytest.mark.parametrize("refused", ["evidence.csv", "good.yaml", "test_cause0.py"])
def test_what_was_cut_short_is_not_taken_for_an_answer(tmp_path, study, found, monkeypatch, refused):
    """The disk refuses one file: there is no result, and nothing half written."""
    write_output = answer.write_output

    def write(path, text):
        if path.name == refused:
            raise InputError("cannot be written", remedy="make room", file=path)
        write_output(path, text)

    monkeypatch.setattr(answer, "write_output", write)
    with pytest.raises(InputError, match=refused):
        write_answer(tmp_path, study, found, (CAUSE,))
    assert not (tmp_path / "result.json").exists()
    assert not (tmp_path / refused).exists()
