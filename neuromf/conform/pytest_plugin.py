"""`pytest -p neuromf.conform.pytest_plugin --neuromf-adapter adapter.py`: each law is a test of that session.

Without the option the plugin does nothing and imports nothing beside pytest. It is no entry point of pytest's, for
with one pytest rewrites the assertions of all of neuromf in every session of an environment that has it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from neuromf.conform.load import LoadedAdapter
    from neuromf.conform.verdict import ConformVerdict

OPTION = "--neuromf-adapter"


class LawFellError(Exception):
    """A law that does not hold, with its numbers."""


class AdapterCollector(pytest.Collector):
    """The laws of one adapter, which are all judged when the first is asked for."""

    loaded: LoadedAdapter
    seed: int

    @cached_property
    def verdict(self) -> ConformVerdict:
        """What the laws say."""
        from neuromf.conform.judging import judge_adapter

        return judge_adapter(self.loaded, seed=self.seed)

    def collect(self) -> list[pytest.Item]:
        """A test a law."""
        from neuromf_spec.conformance.suite import judged_laws

        return [LawItem.from_parent(self, name=law_id) for law_id in judged_laws()]


class LawItem(pytest.Item):
    """One law of one adapter."""

    def runtest(self) -> None:
        """Fail where a fact of the law fails; skip where none of them applies.

        Raises:
            LawFellError: with what the suite has found.
        """
        from neuromf_spec.conformance.verdict import FAILED, Status

        collector = self.parent
        assert isinstance(collector, AdapterCollector)
        verdict = collector.verdict
        own = [result for result in verdict.results if result.law_id == self.name]
        if failed := [result for result in own if result.status in FAILED]:
            raise LawFellError("\n\n".join(_told(result, verdict) for result in failed))
        if not own or all(result.status is Status.NOT_APPLICABLE for result in own):
            pytest.skip(own[0].detail if own else "nothing that it speaks of was judged")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401
        """The numbers and no traceback, which would be the suite's."""
        if isinstance(excinfo.value, LawFellError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is said to lie: in the adapter."""
        collector = self.parent
        assert isinstance(collector, AdapterCollector)
        return collector.loaded.file, 0, f"law {self.name}"


def _told(result: Any, verdict: ConformVerdict) -> str:  # noqa: ANN401
    from neuromf_spec.registry import law

    lines = [f"{result.key} {result.status.value}: {result.detail}", law(result.law_id).statement]
    lines += [f"repair: {result.repair}"] if result.repair else []
    lines += [verdict.snippets[result.key]] if result.key in verdict.snippets else []
    return "\n".join(lines)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name adapters, and the seed of the suite."""
    group = parser.getgroup("neuromf", "laws of MeanFlow")
    group.addoption(OPTION, action="append", default=[], metavar="FILE[:CLASS]", help="judge this adapter by the laws")
    group.addoption("--neuromf-seed", type=int, default=0, metavar="N", help="seed of the suite's networks and draws")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the laws of each adapter to the tests.

    Raises:
        pytest.UsageError: a file is no adapter.
    """
    for target in config.getoption(OPTION):
        from neuromf.conform.load import load_adapter
        from neuromf.errors import InputError

        try:
            loaded = load_adapter(target)
        except InputError as error:
            raise pytest.UsageError(str(error)) from error
        collector = AdapterCollector.from_parent(session, name=target)
        collector.loaded, collector.seed = loaded, config.getoption("--neuromf-seed")
        items += collector.collect()
