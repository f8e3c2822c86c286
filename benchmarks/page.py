"""Time until the page of a run with many tracks is usable in headless Chromium.

Usable: the list is filled, the first tracks are drawn, and a search has listed its result. The
time starts with the request of the page, in a fresh profile, from our own server. Needs Debian's
package chromium.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from common import describe

# isort: split
from browser import Visit, open_chromium
from genometracks.browse.page.page import write_page
from page_files import Shown, serve, write_scene

CONTIGS = {f"chr{i}": 1_000_000 for i in range(1, 6)}


def write_run(folder: Path, count: int) -> None:
    """Write the page of a run of `count` tracks, each with a bigWig and eight columns."""
    track = Shown("CAGE", metadata={f"column {i}": "a word or two" for i in range(8)})
    scene = write_scene(folder / "run", [track], contigs=CONTIGS)
    (first,) = scene.tracks
    tracks = []
    for i in range(count):
        file = first.file.with_name(f"n{i}.bw")
        file.hardlink_to(first.file)
        row = {**first.metadata, "tissue": f"tissue {i % 200}", "number": str(i)}
        tracks.append(
            replace(first, track=f"n{i}", name=f"CAGE {i}", metadata=row, file=file, signal=i)
        )
    write_page(replace(scene, tracks=tuple(tracks), group_by=("tissue",)))


def measure(browser, folder: Path, last: int) -> tuple[float, float, float]:
    """Seconds until the page is usable, and of a search and of an end of the list after that."""
    context = browser.new_context(viewport={"width": 1400, "height": 800})
    with serve(folder, ["run"], "run/page") as url:
        visit = Visit(context.new_page(), url)
        start = time.perf_counter()
        page = visit.open().page
        usable = time.perf_counter()
        page.fill("#search", f"{last} tissue")
        page.locator("#list .row .label", has_text=f"CAGE {last}").wait_for()
        searched = time.perf_counter()
        page.fill("#search", "")
        page.focus("#list")
        page.keyboard.press("End")
        page.wait_for_function("() => document.querySelectorAll('#list .row').length < 100")
        ended = time.perf_counter()
        visit.check()
        assert len(visit.shown()) == 6
    context.close()
    return usable - start, searched - usable, ended - searched


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[10, 5000])
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    print(describe("playwright"))
    print("\n| tracks | data.json | usable, s | search, s | end of the list, s |")
    print("|---|---|---|---|---|")
    for count in args.tracks:
        with tempfile.TemporaryDirectory() as scratch, open_chromium() as browser:
            write_run(Path(scratch), count)
            size = (Path(scratch) / "run" / "page" / "data.json").stat().st_size
            rounds = [measure(browser, Path(scratch), count - 1) for _ in range(args.repeat)]
            times = " | ".join(
                f"{statistics.median(each):.2f}" for each in zip(*rounds, strict=True)
            )
            print(f"| {count:,} | {size / 1e6:.2f} MB | {times} |", flush=True)


if __name__ == "__main__":
    main()
