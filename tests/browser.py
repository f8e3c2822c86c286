"""Headless Chromium, and what is seen of a page in it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
WATCH = """
window.violations = [];
window.fired = 0;
document.addEventListener("securitypolicyviolation", event => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@contextmanager
def open_chromium() -> Iterator[Any]:
    """Headless Chromium; skips the tests where it or playwright is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}, Debian's package chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page that is looked at, what went wrong in it, and what it requested.

    Attributes
    ----------
    page : playwright's Page
    problems : list of str
        Errors of the console, exceptions, and violations of the content security policy.
    foreign : list of str
        Addresses of other servers that were requested; all of them are blocked.
    requested : list of str
        Paths of the page's own server.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page, self._url = page, url
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda each: each.type == "error" and self.problems.append(each.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.context.route("**/*", self._pass)
        page.set_default_timeout(15_000)
        page.add_init_script(WATCH)

    def _pass(self, route: Any) -> None:
        url = route.request.url
        own = "/".join(self._url.split("/")[:3]) + "/"
        if url.startswith((own, "data:", "blob:")):
            self.requested.append(url.removeprefix(own))
            route.continue_()
        else:
            self.foreign.append(url)
            route.abort()

    def open(self, hash: str = "") -> "Visit":
        """Open the page, and wait until its tracks are drawn."""
        self.page.goto(self._url + hash)
        self.page.wait_for_selector("html.ready", state="attached")
        return self

    def check(self) -> None:
        """Assert that nothing went wrong, and that nothing was loaded from elsewhere."""
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate("window.fired") == 0
        assert self.problems == []
        assert self.foreign == []

    def shown(self) -> list[str]:
        """Labels of the tracks that are drawn, from top to bottom."""
        return self.page.evaluate(LABELS)

    def wait_for_shown(self, labels: Sequence[str]) -> None:
        """Wait until these tracks are drawn."""
        self.page.wait_for_function(
            f"wanted => JSON.stringify(({LABELS})()) === wanted",
            arg=json.dumps(list(labels), separators=(",", ":"), ensure_ascii=False),
        )

    def columns(self, label: str) -> list[tuple[int, str]]:
        """Of a track's picture, in the middle of each tenth: how much has a colour, and which.

        Parameters
        ----------
        label : str
            The track's label, or "sequence".

        Returns
        -------
        list of (percent, "red,green,blue")
            The most frequent colour that is not white.
        """
        return [tuple(each) for each in self.page.evaluate(COLUMNS, label)]

    def wait_for_columns(self, label: str, percents: Sequence[int], colour: str) -> None:
        """Wait until a track's columns are so, by 3% of its height; fail with what they are."""
        wanted = [(pytest.approx(each, abs=3), colour if each else "") for each in percents]
        for _ in range(100):
            found = self.columns(label)
            if found == wanted:
                return
            self.page.wait_for_timeout(100)
        assert found == wanted, found

    def wait_for_address(self, part: str) -> None:
        """Wait until the address has this part after '#'."""
        self.page.wait_for_function("part => location.hash.includes(part)", arg=part)

    def rows(self) -> list[str]:
        """Texts of the rows of the list that are in the document."""
        return self.page.locator("#list .row .label").all_text_contents()


LABELS = """() => [...document.getElementById("igv").shadowRoot
    .querySelectorAll(".igv-track-label")].map(label => label.textContent)"""
COLUMNS = """label => {
    const root = document.getElementById("igv").shadowRoot;
    const viewports = [...root.querySelectorAll(".igv-viewport")];
    const viewport = viewports.find(each => label === "sequence"
        ? each.querySelector("canvas") && viewports.indexOf(each) === SEQUENCE
        : each.querySelector(".igv-track-label")?.textContent === label);
    const canvas = viewport?.querySelector("canvas");
    if (!canvas?.width) {
        return [];
    }
    const frame = viewport.getBoundingClientRect();
    const place = canvas.getBoundingClientRect();
    const scale = canvas.width / place.width;
    const context = canvas.getContext("2d");
    return Array.from({length: 10}, (_, i) => {
        const x = frame.left + frame.width * (i + 0.5) / 10 - place.left;
        const data = context.getImageData(Math.round(x * scale), 0, 1, canvas.height).data;
        const counts = {};
        for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] > 0 && data[at] + data[at + 1] + data[at + 2] < 700) {
                const colour = [...data.slice(at, at + 3)];
                counts[colour] = (counts[colour] ?? 0) + 1;
            }
        }
        const [colour, count] = Object.entries(counts).sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
        return [Math.round(100 * count / (data.length / 4)), colour];
    });
}""".replace("SEQUENCE", "2")
