"""What a long job tells while it runs."""

import sys
import time


class Progress:
    """Rate and time left: a line that rewrites itself on a terminal, a line a minute in a file."""

    def __init__(self, what: str) -> None:
        self._what, self._stream = what, sys.stderr
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        terminal = self._stream.isatty()
        if done < total and now - self._last < (0.2 if terminal else 60):
            return
        self._last = now
        rate = done / max(now - self._start, 1e-9)
        left = (total - done) / rate
        line = f"{self._what}: {done}/{total} windows, {rate:.0f}/s, {left:.0f} s left"
        print(line, end="\r" if terminal and done < total else "\n", file=self._stream, flush=True)
