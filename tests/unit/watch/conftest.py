"""A run's folder under each test's own temporary one."""

import pytest

from tests.support.fake_run import FakeRun


@pytest.fixture
def run(tmp_path):
    return FakeRun(tmp_path / "run")
