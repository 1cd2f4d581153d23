"""The verdict of a golden case from its kept files and a run, without a training: every outcome and its exit code."""

import json
import math
from dataclasses import replace

import pytest
import torch

from neuromf.cli.golden import _exit_code
from neuromf.errors import InputError
from neuromf.golden.case import read_case
from neuromf.golden.contract import contract_problems, contract_texts
from neuromf.golden.environment import environment
from neuromf.golden.runner import CaseRun
from neuromf.golden.store import golden_table, provenance, tolerance_frame
from neuromf.golden.tolerances import TOLERANCE_SCHEMA
from neuromf.golden.verdict import CaseOutcome, CaseVerdict, judge_case
from neuromf.trace.columns import COLUMNS
from tests.support.trace_strategies import frame_of, with_cell

STEPS, RTOL = 4, 1e-3
FRAME = frame_of(STEPS)


@pytest.fixture(scope="module")
def texts():
    """What a case keeps of its configuration and parameters, made once."""
    return contract_texts(read_case("x_exact").config)


@pytest.fixture
def case(tmp_path, texts, monkeypatch):
    """A blessed case of four steps whose tolerance is a thousandth, `rho`'s demoted, in a folder of its own."""
    monkeypatch.setattr("neuromf.golden.contract.contract_texts", lambda config: texts)
    made = replace(read_case("x_exact"), folder=tmp_path)
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    made.trace.write_text(CaseRun(FRAME, "").csv)
    rows = [f"{c.name},{'demoted' if c.name == 'rho' else 'measured'},1e-7,threads,0.1,beta2,{RTOL}" for c in COLUMNS]
    made.tolerances.write_text("\n".join([",".join(TOLERANCE_SCHEMA.columns), *rows]) + "\n")
    bless(made)
    return made


def bless(case, **elsewhere):
    """Write where the trace comes from; `elsewhere` is what was otherwise there."""
    document = {"format": 1, "commit": "0" * 40, "environment": {**environment(), **elsewhere}}
    case.provenance.write_text(json.dumps(document))


def judged(case, frame):
    return judge_case(case, CaseRun(frame, ""))


def off(column, factor, step=2):
    return with_cell(FRAME, step, column, float(FRAME.loc[step, column]) * factor)


def test_the_kept_trace_passes(case):
    """It is itself, and says so in one line."""
    verdict = judged(case, FRAME)
    assert (verdict.outcome, verdict.environment_changes) == (CaseOutcome.PASS, {})
    assert verdict.text == f"PASS golden case x_exact: {STEPS} steps compared\n"


@pytest.mark.parametrize("column", [c.name for c in COLUMNS if c.kind == "float" and c.name != "rho"])
def test_each_column_is_held_to_its_own_tolerance(case, column):
    """Within it passes, beyond it regresses; the command that shows more is told, and that the place is the same."""
    assert judged(case, off(column, 1 + 0.9 * RTOL)).outcome is CaseOutcome.PASS
    verdict = judged(case, off(column, 1 + 1.1 * RTOL))
    assert verdict.outcome is CaseOutcome.REGRESSED
    assert verdict.text.startswith("REGRESSED golden case x_exact")
    assert f"step 2, column {column} " in verdict.text
    assert "next: neuromf golden diff x_exact\n" in verdict.text
    assert "environment: as it was\n" in verdict.text


@pytest.mark.law("CMP-001")
@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        (off("rho", 1e6), CaseOutcome.PASS),
        (with_cell(FRAME, 1, "rho", math.nan), CaseOutcome.NONFINITE),
        (with_cell(FRAME, 1, "lr", math.inf), CaseOutcome.NONFINITE),
        (FRAME.iloc[:-1], CaseOutcome.CONTRACT),
        (FRAME.drop(columns="lr"), CaseOutcome.CONTRACT),
        (with_cell(FRAME, 1, "batch_hash", "other"), CaseOutcome.REGRESSED),
    ],
)
@pytest.mark.parametrize("elsewhere", [{}, {"torch": "0.0"}])
def test_another_platform_excuses_a_regression_and_nothing_else(case, frame, outcome, elsewhere):
    """There a difference may be the platform's; a number that is none and a broken contract are not."""
    bless(case, **elsewhere)
    verdict = judged(case, frame)
    regressed = outcome is CaseOutcome.REGRESSED
    assert verdict.outcome is (CaseOutcome.UNKNOWN_PLATFORM if elsewhere and regressed else outcome)
    assert verdict.environment_changes == ({"torch": ("0.0", environment()["torch"])} if elsewhere else {})
    if verdict.outcome is not CaseOutcome.PASS:
        told = f"torch 0.0 -> {environment()['torch']}" if elsewhere else "as it was"
        assert f"environment: {told}\n" in verdict.text
        command = "attribute" if verdict.outcome is CaseOutcome.UNKNOWN_PLATFORM else "diff"
        assert f"next: neuromf golden {command} x_exact\n" in verdict.text


@pytest.mark.parametrize("key", sorted(environment()))
def test_everything_in_an_environment_may_excuse_a_regression(case, key):
    """Each version and switch of the fingerprint is compared with what is here."""
    bless(case, **{key: "another"})
    assert judged(case, off("lr", 2.0)).outcome is CaseOutcome.UNKNOWN_PLATFORM


def test_a_case_without_a_run_is_run_as_its_contract_says(case, monkeypatch):
    """Its configuration for its number of steps on one thread; afterwards there are as many threads as before."""
    before, asked = torch.get_num_threads(), []
    other = 2 if before == 1 else before

    def run_steps(config, steps):
        asked.append((config, steps, torch.get_num_threads()))
        return CaseRun(FRAME, "")

    monkeypatch.setattr("neuromf.golden.verdict.run_steps", run_steps)
    torch.set_num_threads(other)
    try:
        assert judge_case(case).outcome is CaseOutcome.PASS
        assert torch.get_num_threads() == other
    finally:
        torch.set_num_threads(before)
    assert asked == [(case.config, case.contract.steps, 1)]


def test_another_contract_is_told_before_anything_is_run(case, monkeypatch):
    """The line that is new and the one that is gone are told, and no number is compared."""
    monkeypatch.setattr("neuromf.golden.verdict.run_steps", lambda *given: pytest.fail("it was run"))
    for name in ("config.txt", "params.txt"):
        path, kept = case.folder / name, (case.folder / name).read_text()
        path.write_text(kept.replace("\n", " changed\n", 1))
        verdict = judge_case(case)
        assert verdict.outcome is CaseOutcome.CONTRACT
        assert f"{name}: golden lacks `{kept.splitlines()[0]}`" in verdict.text
        assert f"{name}: golden has `{kept.splitlines()[0]} changed`" in verdict.text
        path.write_text(kept)


@pytest.mark.parametrize("name", ["config.txt", "params.txt"])
def test_any_change_of_a_kept_text_is_a_problem(case, name):
    """A line less, a line more, a line twice, two lines that changed places, an empty file, none: none is in order."""
    path, config = case.folder / name, case.config
    assert contract_problems(case.folder, config) == []
    first, second, *rest = path.read_text().splitlines()
    for lines in (
        [second, *rest],
        [first, second, *rest, "new"],
        [first, first, second, *rest],
        [second, first, *rest],
        [],
    ):
        path.write_text("\n".join(lines) + "\n" * bool(lines))
        problems = contract_problems(case.folder, config)
        assert problems
        assert all(problem.startswith(f"{name}: ") for problem in problems)
    path.unlink()
    assert len(contract_problems(case.folder, config)) == 2 + len(rest)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["PASS"], 0),
        (["PASS", "UNKNOWN-PLATFORM"], 3),
        (["UNKNOWN-PLATFORM"], 3),
        *(([bad], 1) for bad in ("REGRESSED", "CONTRACT", "NONFINITE")),
        *((["UNKNOWN-PLATFORM", bad, "PASS"], 1) for bad in ("REGRESSED", "CONTRACT", "NONFINITE")),
    ],
)
def test_the_exit_code_is_that_of_the_worst_case(outcomes, code):
    """0 where all pass, 3 where the platform is the likelier cause, 1 where any other case fails."""
    assert _exit_code([CaseVerdict("a", CaseOutcome(outcome), None, {}, "") for outcome in outcomes]) == code


@pytest.mark.parametrize(
    ("spoil", "read"),
    [
        (lambda case: case.trace.unlink(), golden_table),
        (lambda case: case.tolerances.unlink(), tolerance_frame),
        (lambda case: case.tolerances.write_text("column\nlr\n"), tolerance_frame),
        (lambda case: case.provenance.unlink(), provenance),
        (lambda case: case.provenance.write_text('{"format": 2, "environment": {}}'), provenance),
        (lambda case: case.provenance.write_text('{"format": 1, "environment": []}'), provenance),
        (lambda case: case.provenance.write_text("[1]"), provenance),
    ],
)
def test_a_kept_file_that_is_missing_or_of_another_form_is_refused(case, spoil, read):
    """In a sentence that names it; no verdict comes without it."""
    spoil(case)
    for use in (read, lambda case: judged(case, FRAME)):
        with pytest.raises(InputError) as caught:
            use(case)
        assert str(case.folder) in str(caught.value)
        assert caught.value.remedy


def test_the_trace_lies_in_the_file_of_its_lane(case):
    """The lane is part of its name."""
    assert case.trace.name == f"trace.{case.lane}.csv" == "trace.cpu-fp32.csv"
