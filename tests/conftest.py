"""Hypothesis profiles, the form of errors, and the law's name on every failing test that enforces one."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from neuromf_spec.registry import laws

from tests.support.error_sentences import held_to_form

EXAMPLES = 20
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True, max_examples=EXAMPLES)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=50 * EXAMPLES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that ties a test to the law it enforces."""
    config.addinivalue_line("markers", "law(id): the law a test enforces")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a session store the worst number that each law was judged by and passed, and figures of performance."""
    parser.addoption("--measure", metavar="FILE", help="write the laws' measured values here")
    parser.addoption("--store", action="store_true", help="keep measured figures under golden/bench/devices")


@pytest.fixture(autouse=True, scope="session")
def _measurements(request: pytest.FixtureRequest) -> Generator[None]:
    path = request.config.getoption("--measure")
    if path is None:
        yield
        return
    from tests.support.measurements import recorded_findings, write_measurements

    with recorded_findings() as recorder:
        yield
    write_measurements(Path(path), recorder)


def _law_ids(item: pytest.Item) -> list[str]:
    return [law_id for marker in item.iter_markers("law") for law_id in marker.args]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Record each test's laws as properties of its report; an unknown id stops the session."""
    for item in items:
        for law_id in _law_ids(item):
            if law_id not in laws():
                raise pytest.UsageError(f"{item.nodeid} enforces the unknown law {law_id}")
            item.user_properties.append(("law", law_id))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Hold every error that a test meets, in its own process, to the form of a sentence."""
    with held_to_form() as wrong:
        yield
    assert not wrong, wrong[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say below a failure which law fell."""
    report = yield
    if report.failed:
        for law_id in _law_ids(item):
            law = laws()[law_id]
            report.sections.append((f"law {law_id} fell: {law.statement}", f"{law.equation}\n{law.remedy}"))
    return report
