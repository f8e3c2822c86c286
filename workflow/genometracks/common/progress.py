"""What a long job tells while it runs."""

import sys
import time

WIDTH = 30


class Progress:
    """Rate and time left: a bar on a terminal, a plain line a minute in a file.

    Parameters
    ----------
    what : str
        The job.
    bases : int
        Base pairs that a window adds to the tracks.
    """

    def __init__(self, what: str, *, bases: int) -> None:
        self._what, self._bases, self._stream = what, bases, sys.stderr
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Tell that so many windows of all are done, if it is time to."""
        now = time.monotonic()
        terminal = self._stream.isatty()
        if done < total and now - self._last < (0.2 if terminal else 60):
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        line = (
            f"{self._what}: {done:,}/{total:,} windows, {rate:,.1f} windows/s, "
            f"{shorten(rate * self._bases)}bp/s, {format_clock((total - done) / rate)} left"
        )
        if terminal:
            filled = WIDTH * done // total
            line = f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {line}\x1b[K"
        end = "" if terminal and done < total else "\n"
        print(line, end=end, file=self._stream, flush=True)


def shorten(number: float) -> str:
    """12,345,678 -> '12.3 M'."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f} {letter}"
    return f"{number:.0f} "


def format_clock(seconds: float) -> str:
    """3,725 -> '1:02:05'."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}"
