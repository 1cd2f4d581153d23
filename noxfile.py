"""Sessions: `nox -s unit gpu_smoke` tests, `lint` and `types` check, `bench` measures, `explore` searches further."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "types", "unit", "gpu_smoke"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

SHARED = ".nox/test"
"""One environment for every session that needs torch: it is the bulk of the installation."""
CONSTRAINTS = ("-c", "constraints.txt")
# Bound before Python starts, or torch and hypothesis have already read them.
TEST_ENVIRONMENT = {"PYTHONHASHSEED": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def _install(session: nox.Session) -> None:
    session.install(*CONSTRAINTS, "-e", ".[dev]", silent=True)


def _pytest(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-m", "pytest", *arguments, *session.posargs, env=TEST_ENVIRONMENT)


@nox.session(venv_location=SHARED)
def unit(session: nox.Session) -> None:
    """Unit, law and end-to-end tests on the CPU, at most five minutes."""
    _install(session)
    _pytest(session, "tests/unit", "tests/laws", "tests/e2e")


@nox.session(venv_location=SHARED)
def gpu_smoke(session: nox.Session) -> None:
    """The smoke training on this machine; names the GPU lanes that a machine without CUDA cannot exercise."""
    _install(session)
    _pytest(session, "tests/gpu")


@nox.session(venv_location=SHARED, default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks."""
    _install(session)
    _pytest(session, "tests/bench", "-m", "bench")


@nox.session(venv_location=SHARED, default=False)
def explore(session: nox.Session) -> None:
    """The property tests with fifty times the examples, drawn anew."""
    _install(session)
    _pytest(session, "tests/laws", "--hypothesis-profile", "explore")


@nox.session(venv_location=SHARED)
def types(session: nox.Session) -> None:
    """Static types."""
    _install(session)
    session.run("mypy")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install(*CONSTRAINTS, "ruff", silent=True)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
