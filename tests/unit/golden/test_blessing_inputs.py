"""What a golden is made of: every path of it, the weights behind its trace, and the files that a blessing leaves."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from neuromf.errors import InputError
from neuromf.golden import runner
from neuromf.golden.case import read_case
from neuromf.golden.contract import contract_problems
from neuromf.golden.environment import environment, fingerprint
from neuromf.golden.runner import CaseRun
from neuromf.golden.store import golden_table, provenance, tolerance_frame
from neuromf.trace.columns import NAMES
from tests.support.git_repository import git
from tests.support.trace_strategies import frame_of, with_cell
from tools.golden import bless
from tools.golden.changelog import changelog_problems
from tools.golden.faults import FAULTS
from tools.golden.measure import CaseMeasurement

ROOT = Path(__file__).parents[3]
MAKES_NUMBERS = (
    "neuromf/a.py",
    "neuromf/flow/deep/b.py",
    "neuromf/config/recipes/smoke.yaml",
    "neuromf/nets/weights/demo.safetensors",
    "spec/neuromf_spec/a.py",
    "tools/golden/faults.py",
    "golden/latents.safetensors",
)
MAKES_NONE = ("README.md", "docs/a.md", "tests/unit/a.py", "golden/CHANGELOG.md", "golden/cases/one/trace.cpu-fp32.csv")
WANTED = "new schedule, wanted"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A checkout with a file of every kind."""
    root = tmp_path_factory.mktemp("checkout")
    for name in (*MAKES_NUMBERS, *MAKES_NONE):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


@pytest.fixture
def checkout(clean, monkeypatch):
    """It, outside CI; clean again afterwards."""
    monkeypatch.setattr(bless, "ROOT", clean)
    monkeypatch.delenv("CI", raising=False)
    yield clean
    git(clean, "reset", "-q", "--hard")
    git(clean, "clean", "-qfd")


def staged(path):
    path.write_text("b\n")
    git(path.parent, "add", path.name)


def renamed(path):
    git(path.parent, "mv", path.name, "renamed")


CHANGES = {
    "changed": lambda path: path.write_text("b\n"),
    "staged": staged,
    "gone": lambda path: path.unlink(),
    "renamed": renamed,
    "mode": lambda path: path.chmod(0o755),
}


@pytest.mark.parametrize("name", MAKES_NUMBERS)
def test_any_change_of_a_path_that_makes_numbers_is_refused(checkout, name):
    """Changed, staged, gone, renamed, or of another mode: the commit that would be named does not have it so."""
    for how, change in CHANGES.items():
        change(checkout / name)
        with pytest.raises(InputError, match="dirty") as caught:
            bless.refuse_blessing(WANTED)
        assert Path(name).name in caught.value.problem, how
        git(checkout, "reset", "-q", "--hard")


@pytest.mark.parametrize("folder", ["neuromf", "neuromf/flow/deep", "spec/neuromf_spec", "tools/golden"])
def test_a_file_that_no_commit_knows_is_refused(checkout, folder):
    """A module that is new is imported all the same."""
    (checkout / folder / "new.py").write_text("a\n")
    with pytest.raises(InputError, match=r"dirty .*new\.py"):
        bless.refuse_blessing(WANTED)


@pytest.mark.parametrize("name", MAKES_NONE)
def test_what_makes_no_number_may_change(checkout, name):
    """The goldens themselves are written one after another, and texts and tests are nobody's numbers."""
    (checkout / name).write_text("b\n")
    assert bless.refuse_blessing(WANTED) == git(checkout, "rev-parse", "HEAD")


def test_every_module_that_a_golden_runs_lies_where_a_change_is_refused():
    """Of the modules of this checkout that are imported, all but the tests."""
    named = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    files = {Path(name).resolve() for name in named if name and Path(name).is_file()}
    here = {file.relative_to(ROOT) for file in files if file.is_relative_to(ROOT)}
    own = {path for path in here if path.parts[0] not in ("tests", ".nox", ".venv")}
    assert len(own) > 100
    assert [path for path in own if not any(path.is_relative_to(part) for part in bless.MADE_OF)] == []


def test_the_latents_that_every_case_trains_on_are_among_them(monkeypatch):
    """The one file of data that is read is the one whose change is refused."""
    read = []
    monkeypatch.setattr(runner, "load_file", lambda path: read.append(path) or {"latents": torch.zeros(1)})
    runner.golden_latents()
    assert [path.relative_to(ROOT).as_posix() for path in read] == [p for p in bless.MADE_OF if "." in p]


def run_of(frame=None, weights="a" * 64, steps=20):
    return CaseRun(frame_of(steps) if frame is None else frame, weights)


FRAME = frame_of(20)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (run_of(), run_of(weights="b" * 64), "two runs"),
        (run_of(), run_of(with_cell(FRAME, 19, "ema_gap", 9.0)), "two runs"),
        (run_of(), run_of(with_cell(FRAME, 0, "batch_hash", "b")), "two runs"),
        (run_of(FRAME.iloc[:-1]), run_of(FRAME.iloc[:-1]), "not finite"),
        (
            run_of(with_cell(FRAME, 1, "lr", float("inf"))),
            run_of(with_cell(FRAME, 1, "lr", float("inf"))),
            "not finite",
        ),
        (run_of(with_cell(FRAME, 1, "rho", "nan")), run_of(with_cell(FRAME, 1, "rho", "nan")), "not finite"),
    ],
    ids=["weights", "last cell", "batch", "short", "infinite", "nan"],
)
def test_two_runs_that_are_not_one_are_no_golden(monkeypatch, first, second, words):
    """Equal traces with unequal weights are two runs, and so is the reverse; a run that broke down is none at all."""
    case = read_case("x_exact")
    case = replace(case, contract=case.contract.model_copy(update={"steps": 20}))
    for pair in ((first, second), (second, first)):
        runs = iter(pair)
        monkeypatch.setattr(bless, "run_steps", lambda *_, runs=runs: next(runs))
        with pytest.raises(InputError, match=words):
            bless.run_twice(case)
    monkeypatch.setattr(bless, "run_steps", lambda *_: run_of())
    assert bless.run_twice(case).weights_sha256 == "a" * 64


def test_the_weights_digest_is_of_every_bit_of_every_weight():
    """One unit in the last place of any weight or buffer, or another name for it, is another digest."""
    made = [torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)) for _ in range(2)]
    made[1].load_state_dict(made[0].state_dict())
    digest = runner._weights(SimpleNamespace(model=made[0]))
    assert runner._weights(SimpleNamespace(model=made[1])) == digest
    for value in made[1].state_dict().values():
        before = value.clone()
        flat = value.view(-1)
        flat[-1] = torch.nextafter(flat[-1], torch.tensor(9.0)) if value.is_floating_point() else flat[-1] + 1
        assert runner._weights(SimpleNamespace(model=made[1])) != digest
        value.copy_(before)
    renamed_module = torch.nn.Sequential(torch.nn.Linear(2, 2))
    other = torch.nn.ModuleDict({"a": renamed_module[0]})
    assert runner._weights(SimpleNamespace(model=renamed_module)) != runner._weights(SimpleNamespace(model=other))


@pytest.fixture
def blessable(tmp_path, monkeypatch):
    """A case in a golden folder of its own, and a measurement in which each fault is seen."""
    folder = tmp_path / "cases" / "x_exact"
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text("")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n")
    monkeypatch.setattr(bless, "CHANGELOG", tmp_path / "CHANGELOG.md")
    case = replace(read_case("x_exact"), folder=folder)
    steps = case.contract.steps
    noise = pd.DataFrame(0.0, index=["threads", "kernels"], columns=list(NAMES))
    noise.loc["threads", "raw_fm"] = 1e-5
    effects = pd.DataFrame(0.5, index=[fault.name for fault in FAULTS], columns=list(NAMES))
    effects["step"] = 0.0
    return case, run_of(frame_of(steps)), CaseMeasurement(run_of(frame_of(steps)), noise, effects)


def test_a_blessing_leaves_what_every_reader_takes(blessable):
    """Trace, contract, tolerances, provenance and changelog fit together, and name commit, reason and environment."""
    case, run, measurement = blessable
    bless.bless(case, run, measurement, "c" * 40, WANTED)
    assert changelog_problems(case.folder.parents[1]) == []
    assert contract_problems(case.folder, case.config) == []
    assert golden_table(case).steps.tolist() == list(range(case.contract.steps))
    assert case.trace.read_text() == run.csv
    tolerances = tolerance_frame(case).set_index("column")
    assert (tolerances.loc["raw_fm", "kind"], tolerances.loc["raw_fm", "noise"]) == ("measured", 1e-5)
    known = provenance(case)
    assert (known["commit"], known["reason"], known["steps"]) == ("c" * 40, WANTED, case.contract.steps)
    assert (known["environment"], known["fingerprint"]) == (environment(), fingerprint(environment()))
    assert known["weights_sha256"] == run.weights_sha256
    assert bless.CHANGELOG.read_text().splitlines()[-1].endswith(f": {WANTED}")


def test_a_case_whose_laws_no_column_shows_is_not_blessed(blessable):
    """A law that is claimed and not seen is named, and no file is written."""
    case, run, measurement = blessable
    law_id = case.contract.laws[-1]
    for fault in FAULTS:
        if fault.law == law_id:
            measurement.effects.loc[fault.name] = 0.0
    with pytest.raises(InputError, match=law_id):
        bless.bless(case, run, measurement, "c" * 40, WANTED)
    assert [path.name for path in case.folder.iterdir()] == ["case.toml"]
