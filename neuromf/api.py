"""The harness as functions: judge a configuration, train it, compare runs, diagnose one or any log, evaluate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuromf.config.schema import Config
from neuromf.gate.result import REFUSED, LawResult
from neuromf.gate.static import static_findings

if TYPE_CHECKING:  # nothing here loads torch before it is needed
    from neuromf.comparison.comparator import Comparison
    from neuromf.diagnosis.diagnosis import Suspect
    from neuromf.diagnosis.logs.verdict import LogVerdict
    from neuromf.evaluation.result import SampleEvaluation
    from neuromf.training.loop import Outcome


def judge(config: Config) -> list[LawResult]:
    """Judge a configuration by every law that needs no run, as `neuromf gate --static` does.

    Returns:
        One finding a law, in the order of the registry; `status` is `pass`, `info`, `warn`, `policy` or `block`.

    >>> from neuromf import load_config
    >>> {finding.status for finding in judge(load_config(["recommended"]))} <= {"pass", "info"}
    True
    """
    return static_findings(config, {})


def compare(run: str | Path, golden: str | Path) -> Comparison:
    """Where two traces differ first, and in which stage of the step.

    Args:
        run: a run's folder or its trace.csv.
        golden: a run's folder, a trace.csv, or the name of a golden case, whose measured tolerances then hold.

    Raises:
        InputError: one of them holds no trace.
    """
    from neuromf.comparison.files import compare_files
    from neuromf.golden.sources import read_side

    actual, expected = read_side(str(run)), read_side(str(golden))
    return compare_files(actual.trace, expected.trace, expected.tolerances)


def diagnose(run: str | Path) -> list[Suspect]:
    """What is most likely wrong with a run of `neuromf train`, the likeliest first; empty where nothing is.

    Args:
        run: its folder.

    Raises:
        InputError: it holds no run, or a record of it cannot be read.
    """
    from neuromf.diagnosis.diagnosis import diagnose as weigh_causes
    from neuromf.monitor.events import read_events
    from neuromf.trace.reader import read_rows
    from neuromf.training.held_out.record import read_validations
    from neuromf.training.records.run_folder import open_run
    from neuromf.training.records.summary import latest_blocks, read_summary

    folder, config = open_run(Path(run))
    blocks = latest_blocks(read_summary(folder.summary), folder.summary)
    validations = read_validations(folder.validations)
    return weigh_causes(config, read_rows(folder.trace), read_events(folder.events), blocks, validations)


def diagnose_logs(path: str | Path, columns: Mapping[str, str] | None = None) -> list[LogVerdict]:
    r"""What the log of any training says, as `neuromf diagnose` tells it: one verdict for each run that it holds.

    Args:
        path: CSV, JSON lines, TensorBoard, `trainer_state.json`, an MLflow or W&B export, or a run's folder.
        columns: what the columns are, where their names do not tell: `{"raw_total": "train/raw_loss"}`.

    Returns:
        Verdicts; `health` is `alarms`, `healthy` or `cannot tell`, `since` the step from which something is wrong.

    Raises:
        InputError: nothing there is a log, or it has no such column.

    >>> import tempfile
    >>> text = "step,loss\n" + "".join(f"{step},{0.5 if step < 90 else float('nan')}\n" for step in range(100))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Path(folder, "metrics.csv")
    ...     _ = log.write_text(text)
    ...     (verdict,) = diagnose_logs(log)
    >>> verdict.health.value, verdict.since
    ('alarms', 90.0)
    """
    from neuromf.diagnosis.logs.diagnosed import diagnose_path

    return diagnose_path(Path(path), columns)


def evaluate(
    run: str | Path,
    *,
    evaluations: Sequence[int] = (1, 2, 5, 10, 50),
    n: int = 64,
    features: Sequence[str] = (),
    checkpoint: int | None = None,
    seed: int = 0,
    device: str | None = None,
) -> SampleEvaluation:
    """Measure a run's samples beside scans it was not trained on, as `neuromf evaluate` does.

    Args:
        run: its folder; descriptions of its real scans are kept there.
        evaluations: network evaluations a sample, each number in turn, from the same noise.
        n: samples of each number.
        features: networks of the Frechet distances: files of weights or `package.module:callable`; what ships if none.
        checkpoint: optimiser step of one of its checkpoints; the newest when None.
        seed: of noise, choice of scans, and resamples.
        device: `cpu`, `cuda` or `cuda:N`; CUDA where there is one when None.

    Returns:
        Measures with 95 % intervals for each number of evaluations, for training scans and for the mean image, and the
        verdicts of the laws EVAL-001 to EVAL-004; `exit_code` is that of the command.

    Raises:
        InputError: the run, its scans, its autoencoder or a network are not usable, or no scan was held out.
    """
    from neuromf.evaluation.evaluate import evaluate_run
    from neuromf.evaluation.features.load import load_networks
    from neuromf.evaluation.wanted import EvaluationRequest
    from neuromf.training.device.choice import choose_device

    where, numbers = choose_device(device), tuple(sorted(set(evaluations)))
    networks = load_networks(features, where)
    wanted = EvaluationRequest(evaluations=numbers, count=n, seed=seed)
    return evaluate_run(Path(run), wanted, checkpoint=checkpoint, device=where, networks=networks).evaluation


def train(config: Config, out: str | Path, *, device: str | None = None, allow_blocked: str | None = None) -> Outcome:
    """Train a configuration that passes the static gate, as `neuromf train` does.

    Args:
        config: the run.
        out: folder to create; it holds the trace, events, checkpoints and samples.
        device: `cpu`, `cuda` or `cuda:N`; CUDA where there is one when None, and the CPU where no GPU was promised.
        allow_blocked: reason to train it although laws block it; the run keeps the reason.

    Raises:
        InputError: a law blocks it and no reason is given, or the scans, the autoencoder or `out` are not usable.
    """
    from neuromf.cli.progress import ProgressFile
    from neuromf.cli.starting import announce
    from neuromf.cli.training import prepare, run_training
    from neuromf.errors import InputError
    from neuromf.gate.admission import allowance
    from neuromf.training.device.choice import training_device
    from neuromf.training.process_group.interruption import listening
    from neuromf.training.process_group.ranks import ProcessGroup

    blocked = [finding for finding in judge(config) if finding.status in REFUSED]
    names = ", ".join(finding.law_id for finding in blocked)
    if blocked and not allow_blocked:
        first = blocked[0]
        problem = f"blocked by {names}; {first.law_id}: {first.title}, {first.found}, bound {first.bound}"
        remedy = f"set {first.passing_value}" if first.passing_value else first.remedy
        raise InputError(problem, remedy=remedy, key=first.key or None)
    said = f"BLOCKED by {names}{allowance(allow_blocked)}" if blocked and allow_blocked else "PASS"
    folder, group = Path(out), ProcessGroup()
    where = training_device(device, config.training.gpus, deterministic=config.training.deterministic)
    start = announce(where, group)
    with listening() as interrupted:
        store = prepare(
            config, folder, group, start, resume=False, gate=said, interrupted=interrupted,
            progress=ProgressFile(None), device=where,
        )  # fmt: skip
        return run_training(
            config, store, folder, group, start, device=where, resume=False, max_steps=None, workers=0,
            interrupted=interrupted,
        )  # fmt: skip
