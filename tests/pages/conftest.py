"""A real browser without a window, and the reports it opens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.open_page import DESK, FLAGS, NAMES, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; its absence fails, since a page that nobody has opened is not tested."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("playwright is not installed; run `pip install -c constraints.txt -e '.[dev,browser]'`")
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.fail(f"no Chromium found ({', '.join(NAMES)}); install one, such as by `apt-get install -y chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Callable[..., object]:
    """A function that opens a file for the length of a `with` block."""

    @contextmanager
    def opened(path: Path, width: int = DESK, scheme: str = "light", *, scripts: bool = True) -> Iterator[Visit]:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=scripts)
        visit = Visit(context.new_page())
        visit.page.goto(path.as_uri())
        yield visit
        context.close()

    return opened
