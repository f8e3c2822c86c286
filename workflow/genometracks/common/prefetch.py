"""Let one part of a pipeline work while the next one does: a thread, and a short queue.

Reading, computing and writing overlap because numpy, torch and file access let go of the
interpreter's lock.
"""

from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

_END = object()
_WAIT = 0.1  # seconds between looks at whether the other side has gone


def run_ahead(items: Iterator[Item], *, depth: int = 2) -> Iterator[Item]:
    """Yield the items of an iterator that runs in a thread, up to `depth` items ahead.

    An error of the iterator is raised here, after the items before it. Closing this generator, or
    an error where it is consumed, ends the thread after its present item.

    Parameters
    ----------
    items : iterator
        All of it runs in the thread.
    depth : int
        Bounds the memory: so many items wait at most.
    """
    queue: Queue = Queue(depth)
    left = Event()

    def put(item: object) -> bool:
        while not left.is_set():
            try:
                queue.put(item, timeout=_WAIT)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    break
            else:
                put((_END, None))
        except BaseException as error:  # handed over, whatever it is
            put((_END, error))
        finally:
            close = getattr(items, "close", None)
            if close:
                close()

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error = queue.get(timeout=_WAIT)
            except Empty:
                continue
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        left.set()
        thread.join()
