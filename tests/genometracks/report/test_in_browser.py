"""Reports in a headless browser: no errors, nothing loaded, nothing wider than the window."""

import pytest

from browser import open_chromium
from finished_runs import write_observed

LENGTHS = {"chr1": 431, "chr10": 570, "chr2": 1003, "tiny": 21}


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def open_report(browser):
    """Open a file: returns the page, console messages, and requests other than for the file."""
    pages = []

    def open_file(path, *, width: int):
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        messages, requests = [], []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        requests.remove(path.as_uri())
        return page, messages, [url for url in requests if not url.startswith("data:")]

    yield open_file
    for page in pages:
        page.close()


@pytest.fixture
def report(make_run, finish, tmp_path):
    """The report of a run of 30 tracks with long names, evaluated."""
    words = "a long name of a tissue, adult, of donor number"
    tracks = [{"name": f"{words} {i}", "description": 80 * "x"} for i in range(30)]
    run = make_run(model={"tracks": tracks, "n_tasks": 30}, shards=1, trim=2)
    run.plan()
    run.predict()
    bigwig = str(write_observed(tmp_path / "o.bw", LENGTHS))
    return finish(run, {"observed": [{"track": f"{words} 3", "bigwig": bigwig}]})


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_a_report_fits_into_the_window(report, open_report, width):
    page, messages, requests = open_report(report, width=width)
    assert (messages, requests) == ([], [])
    size = "[document.documentElement.scrollWidth, window.innerWidth]"
    assert page.evaluate(size) == [width, width]
    broken = "[...document.images].filter((image) => !image.complete || !image.naturalWidth)"
    assert page.evaluate(f"{broken}.length") == 0
    assert page.evaluate("document.images.length") >= 13


def test_tracks_are_sorted_and_filtered(report, open_report):
    page, _, _ = open_report(report, width=1000)
    column = "[...document.querySelectorAll('#all-tracks tbody tr')].filter((row) => !row.hidden)"
    names = f"{column}.map((row) => row.cells[0].textContent.split(' ').at(-1))"
    means = f"{column}.map((row) => parseFloat(row.cells[2].dataset.v))"
    assert page.evaluate(names) == [str(i) for i in range(30)]
    page.get_by_role("button", name="mean", exact=True).first.click()
    found = page.evaluate(means)
    assert found == sorted(found, reverse=True) and len(set(found)) == 30
    page.get_by_role("button", name="mean", exact=True).first.click()
    assert page.evaluate(means) == sorted(found)
    page.get_by_label("filter the tracks").fill("NUMBER 2")
    assert sorted(page.evaluate(names)) == sorted(["2", *(str(i) for i in range(20, 30))])
