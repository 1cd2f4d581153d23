"""Sessions: `nox -s unit trainings e2e golden gpu_smoke` test, `lint` and `types` check, `bench` measures.

`wheel` builds, installs and uses what users install; `docs` builds the site; `explore` searches further than `unit`;
`coverage` is `unit` with a table of what no test runs; `pages` opens the reports in a Chromium; `faults` puts known
faults into a copy of the code, `mutants` random ones; `conform` judges public MeanFlow codes; `rivals` sets ours beside
the public checkers of trainings.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "unit", "trainings", "e2e", "golden", "gpu_smoke"]

SHARED = Path(".nox/test")
"""One environment for every session that needs torch, which is nearly all of an installation's size and time."""
PYTHON = SHARED / ("Scripts" if os.name == "nt" else "bin") / "python"
CONSTRAINTS = ("-c", "constraints.txt")
# Tests are dealt out to the cores, a thread each: most are too small for a second. `-- -n 0` runs them in one process.
CORES = min(os.cpu_count() or 1, 8)
SPREAD = ("-n", str(CORES), "--dist", "worksteal")
# One more where tests wait for their processes for a third of the time: 744 s of processor in 1,069 s, one by one.
SPREAD_WAITING = ("-n", str(CORES + 1), "--dist", "worksteal")
# Bound before Python starts, or torch and hypothesis have already read them. Byte code is kept, as in an installation:
# a process that trains imports this package in 0.5 s less.
TEST_ENVIRONMENT: dict[str, str | None] = {
    "PYTHONHASHSEED": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONDONTWRITEBYTECODE": None,
}  # fmt: skip
ONE_THREAD = {**TEST_ENVIRONMENT, "OMP_NUM_THREADS": "1"}

E2E = (
    "tests/e2e",
    "tests/equivalence/test_compiled.py",
    "tests/equivalence/test_dying_trainer.py",
    "tests/equivalence/test_guarded_ranks.py",
    "tests/equivalence/test_interruption.py",
    "tests/equivalence/test_kill.py",
    "tests/equivalence/test_parted_ranks.py",
    "tests/equivalence/test_ranks.py",
    "tests/equivalence/test_validating_ranks.py",
    "tests/unit/bisect/test_executors.py",
    "tests/unit/bisect/test_slurm.py",
    "tests/unit/data/test_preparing.py",
    "tests/unit/tools/test_readable.py",
    "tests/unit/training/test_rendezvous.py",
)
"""Tests that wait for processes which they start: a command, several ranks, what is killed, a compiler."""
GOLDEN = ("tests/golden",)
TRAININGS = (
    "tests/equivalence",
    "tests/laws/test_claims_causes.py",
    "tests/laws/test_law_observable_keys.py",
    "tests/unit/any_loop/test_healthy_loops.py",
    "tests/unit/bisect",
    "tests/unit/conform/test_one_step_training.py",
    "tests/unit/derivative_study",
    "tests/unit/evaluation/run",
    "tests/unit/export",
    "tests/unit/gate/test_gate_inputs.py",
    "tests/unit/gate/test_own_code_gate.py",
    "tests/unit/performance",
    "tests/unit/plan/test_counted_step.py",
    "tests/unit/torus",
    "tests/unit/torus_study",
    "tests/unit/training",
)
"""Tests that make trainings of a few steps, a second or more each."""


def _without(tests: tuple[str, ...], *others: tuple[str, ...]) -> tuple[str, ...]:
    """Those tests but for what other sessions run."""
    return (*tests, *(f"--ignore={path}" for other in others for path in other))


UNIT = _without(("tests/unit", "tests/laws"), E2E, TRAININGS)
TOGETHER = ("tests/e2e", "tests/golden", "tests/equivalence", "tests/unit", "tests/laws")
"""Of the sessions above, the long tests first: the short ones fill the time in which one core would wait at the end."""

JAX = Path(".nox/jax")
JAX_NEEDS = ("jax", "flax", "optax", "scipy", "typer", "rich", "jinja2", "pydantic", "PyYAML")
"""What JAX codes and `neuromf conform` import; torch is not among it."""
VERSIONS = Path(".nox/versions")
RIVALS = Path(".nox/rivals")
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
# Every library is used by one of these: imports, each --help, configuration, table schemas, reports, tiny trainings.
SHORT = (
    "tests/unit/test_imports.py", "tests/e2e/test_help.py", "tests/e2e/test_command_line.py", "tests/unit/config",
    "tests/unit/trace", "tests/unit/comparison", "tests/unit/data/test_manifest.py", "tests/unit/data/test_nifti.py",
    "tests/unit/data/test_demo.py", "tests/unit/nets", "tests/unit/training/test_loop.py", "tests/unit/report",
    "tests/unit/gate/test_static_gate.py", "tests/unit/cli/test_ticket.py", "tests/unit/watch", "tests/unit/golden",
    "tests/laws/test_law_jvp.py", "tests/laws/test_law_comparison.py", "tests/laws/test_law_shown.py",
)  # fmt: skip


def _install(session: nox.Session, extras: str = "dev") -> None:
    """Bring the shared environment up to date, unless it was made of these very requirements."""
    requirements = [Path(name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    asked = b"".join([*requirements, os.fsencode(Path.cwd())])
    made_of = hashlib.sha256(asked).hexdigest()
    marks = [SHARED / f"made-of-{extra}.txt" for extra in extras.split(",")]
    if PYTHON.exists() and all(mark.exists() and mark.read_text() == made_of for mark in marks):
        return
    if not PYTHON.exists():
        session.run(sys.executable, "-m", "venv", str(SHARED), external=True)
    command = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *CONSTRAINTS, "-e", f".[{extras}]")
    session.run(str(PYTHON), *command, external=True)
    for mark in marks:
        mark.write_text(made_of)


def _run(
    session: nox.Session, module: str, *arguments: str, environment: Mapping[str, str | None] = TEST_ENVIRONMENT
) -> None:
    command = (str(PYTHON), "-m", module, *arguments, *session.posargs)
    session.run(*command, env=environment, external=True)


@nox.session(python=False)
def unit(session: nox.Session) -> None:
    """Unit and law tests on the CPU, and the examples in docstrings; at most five minutes."""
    _install(session)
    _run(session, "pytest", *SPREAD, *UNIT, environment=ONE_THREAD)


@nox.session(python=False)
def trainings(session: nox.Session) -> None:
    """Tests that make trainings of a few steps: repeated, cut up, resumed, judged by the gate, searched by a bisect."""
    _install(session)
    _run(session, "pytest", *SPREAD, *_without(TRAININGS, E2E), environment=ONE_THREAD)


@nox.session(python=False)
def e2e(session: nox.Session) -> None:
    """Tests that wait for processes which they start: commands, ranks, what is killed and goes on."""
    _install(session)
    _run(session, "pytest", *SPREAD_WAITING, *E2E, environment=ONE_THREAD)


@nox.session(python=False, default=False)
def together(session: nox.Session) -> None:
    """`unit`, `trainings`, `e2e` and `golden` as one run, which keeps all cores busy to its end."""
    _install(session)
    _run(session, "pytest", *SPREAD_WAITING, *TOGETHER, environment=ONE_THREAD)


@nox.session(python=False, default=False)
def environment(session: nox.Session) -> None:
    """Make the environment that the sessions share: after it they may run side by side."""
    _install(session, "dev,browser")


@nox.session(python=False, default=False)
def coverage(session: nox.Session) -> None:
    """`unit`, `trainings` and `e2e` under coverage: lines and branches that no test runs, in their processes too.

    It is no part of them, for it costs 1.4 times the processor time (measured on 604 tests: 52 s in place of 36 s).
    """
    _install(session)
    session.run(str(PYTHON), "-m", "coverage", "erase", external=True)
    for tests in (UNIT, _without(TRAININGS, E2E), E2E):
        _run(session, "coverage", "run", "-m", "pytest", *SPREAD, *tests, environment=ONE_THREAD)
    session.run(str(PYTHON), "-m", "coverage", "combine", "--quiet", external=True)
    session.run(str(PYTHON), "-m", "coverage", "report", external=True)


@nox.session(python=False)
def gpu_smoke(session: nox.Session) -> None:
    """The smoke training on this machine; names the GPU lanes that a machine without CUDA cannot exercise."""
    _install(session)
    _run(session, "pytest", "tests/gpu")


@nox.session(python=False)
def golden(session: nox.Session) -> None:
    """The golden cases: short trainings against their kept numbers."""
    _install(session)
    _run(session, "pytest", *SPREAD, *GOLDEN, environment=ONE_THREAD)


@nox.session(python=False, default=False)
def pages(session: nox.Session) -> None:
    """The reports in a real Chromium, which must be installed; without one the session fails and says so."""
    _install(session, "dev,browser")
    _run(session, "pytest", "tests/pages")


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel, look into it, install it into a new environment and use it from an empty folder."""
    session.install(*CONSTRAINTS, "build", "check-wheel-contents", silent=True)
    made = session.create_tmp()
    session.run("python", "-m", "build", "--outdir", made, silent=True)
    built = str(next(Path(made).glob("*.whl")))
    session.run("check-wheel-contents", built)
    session.install(*CONSTRAINTS, "--force-reinstall", "--no-deps", built, silent=True)
    session.install(*CONSTRAINTS, built, silent=True)
    session.run("python", str(Path("tools/wheel/use.py").resolve()), env={"PYTHONSAFEPATH": "1"})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site; a broken link or an unknown name is an error. `-- serve` shows it while it is written."""
    session.install(*CONSTRAINTS, "-e", ".[docs]", silent=True)
    command = session.posargs or ["build", "--strict", "--site-dir", "build/site"]
    session.run("mkdocs", *command, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(python=False, default=False)
def faults(session: nox.Session) -> None:
    """Every fault of the catalogue put into a copy of the code; a test must notice each. Takes half an hour."""
    _install(session)
    _run(session, "tools", "faults", "run")


@nox.session(python=False, default=False)
def conform(session: nox.Session) -> None:
    """Public MeanFlow codes put to the laws, from checkouts at OWNER/NAME below the folder that NEUROMF_FOREIGN names.

    Those in JAX are judged in an environment of their own, `.nox/jax`. `-- OWNER/NAME` judges one code.
    """
    _install(session)
    jax_python = _environment(session, JAX)
    session.run(jax_python, "-m", "pip", "install", "--quiet", *JAX_NEEDS, external=True)
    _run(session, "tools", "foreign", "--jax-python", str(Path(jax_python).absolute()))


@nox.session(python=False, default=False)
def rivals(session: nox.Session) -> None:
    """Ours and the public checkers of trainings on one catalogue of faults, for `golden/rivals`. Takes two hours.

    Theirs are in an environment of their own, `.nox/rivals`.
    """
    _install(session)
    theirs = str(Path(_environment(session, RIVALS)).absolute())
    needed = ("-r", "tools/studies/rivals/rivals.txt", "numpy", "pandas", "torch")
    session.run(theirs, "-m", "pip", "install", "--quiet", *CONSTRAINTS, *needed, external=True)
    for part in ("theirs", "traincheck", "theirs-overhead"):
        session.run(theirs, "-m", "tools.studies.rivals", part, *session.posargs, env=ONE_THREAD, external=True)
    for part in ("ours", "ours-overhead", "write"):
        _run(session, "tools.studies.rivals", part, environment=ONE_THREAD)


@nox.session(python=False, default=False)
def mutants(session: nox.Session) -> None:
    """Random changes of the code, a sample in each folder; stores how many the tests notice. `-- watch` tries one."""
    _install(session, "dev,mutants")
    _run(session, "tools", "mutants", "run")


@nox.session(python=False, default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks; `-- --store` keeps the figures."""
    _install(session)
    # Threads that sleep between operators, which spares a test run's neighbours, cost small operators a fifth. Commands
    # find byte code, as in an installation.
    kept = {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPYCACHEPREFIX": str(Path(".nox/bytecode").absolute())}
    _run(session, "pytest", "tests/bench", environment={"PYTHONHASHSEED": "0", **kept})


@nox.session(python=False, default=False)
def explore(session: nox.Session) -> None:
    """The property tests with fifty times the examples, drawn anew."""
    _install(session)
    _run(session, "pytest", "tests/laws", "tests/equivalence", "--hypothesis-profile", "explore")


@nox.session(python=False, default=False)
def versions(session: nox.Session) -> None:
    """A short part of the tests with the lowest versions that pyproject.toml admits, then with the newest there are.

    torch stays at the version of constraints.txt: of any other the index offers a build that brings gigabytes of CUDA
    with it. Lowest are the dependencies that pyproject.toml names, at what it names; what those need in turn is the
    newest that fits. `-- lowest` or `-- newest` runs one of the two. Each environment is made anew, in `.nox/versions`.
    """
    wanted = session.posargs or list(RESOLUTIONS)
    VERSIONS.mkdir(parents=True, exist_ok=True)
    torch = VERSIONS / "torch.txt"
    lines = Path("constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    torch.write_text("".join(line for line in lines if line.startswith("torch==")))
    resolver = _environment(session, VERSIONS / "resolver")
    session.run(resolver, "-m", "pip", "install", "--quiet", "uv", external=True)
    for name in wanted:
        pinned = VERSIONS / f"{name}.txt"
        resolve = ("-m", "uv", "pip", "compile", "--quiet", "--upgrade", "--resolution", RESOLUTIONS[name])
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        what = ("--python-version", python, "pyproject.toml", "--extra", "test", "-c", str(torch), "-o", str(pinned))
        session.run(resolver, *resolve, *what, external=True)
        python = _environment(session, VERSIONS / name)
        session.run(python, "-m", "pip", "install", "--quiet", "-c", str(pinned), "-e", ".[test]", external=True)
        session.run(python, "-m", "pytest", "-q", *SPREAD, *SHORT, env=ONE_THREAD, external=True)


def _environment(session: nox.Session, folder: Path) -> str:
    """The Python of a new virtual environment."""
    session.run(sys.executable, "-m", "venv", "--clear", str(folder), external=True)
    return str(folder / PYTHON.relative_to(SHARED))


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Static types."""
    _install(session)
    _run(session, "mypy")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, and that no golden changed in silence."""
    session.install(*CONSTRAINTS, "ruff", silent=True)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "tools/golden/changelog.py")
