"""A page that is open in a browser, and how the browser is found and started."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from matplotlib.image import imread

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = 375, 1280
"""Widths in CSS pixels."""


class Visit:
    """One page that is open, with what it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def background(self) -> tuple[int, ...]:
        """Red, green and blue of what is drawn behind the page, 0..255: as painted, since `Canvas` names no colour."""
        corner = self.page.screenshot(clip={"x": 1, "y": 1, "width": 2, "height": 2})
        return tuple(round(255 * float(value)) for value in imread(BytesIO(corner))[0, 0, :3])
