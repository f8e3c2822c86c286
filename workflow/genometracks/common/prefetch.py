"""Overlap one stage of a pipeline with the next: a thread and a short queue.

Reading, computing and writing overlap because numpy, torch and file access release the
interpreter's lock.
"""

from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

_WAIT = 0.1  # seconds between checks of whether the other side has ended


def prefetch(items: Iterator[Item], *, depth: int = 2) -> Iterator[Item]:
    """Yield the items of an iterator that runs in a thread, up to `depth` items ahead.

    An error of the iterator is raised here, after the items before it. Closing this generator, or
    an error in the loop that consumes it, ends the thread after the item it is working on. A signal
    that ends the process does not wait for that item.

    Parameters
    ----------
    items : iterator
        Runs entirely in the thread.
    depth : int
        Number of items that may wait, which bounds the memory. Default is 2.

    Examples
    --------
    >>> list(prefetch(iter("ACGT")))
    ['A', 'C', 'G', 'T']
    """
    # Entries: (item,), an error, or None after the last item.
    queue: Queue[tuple[Item] | BaseException | None] = Queue(depth)
    left = Event()

    def put(entry: tuple[Item] | BaseException | None) -> bool:
        while not left.is_set():
            try:
                queue.put(entry, timeout=_WAIT)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item,)):
                    break
            else:
                put(None)
        except BaseException as error:  # raised again by the consumer, of whatever type
            put(error)
        finally:
            close = getattr(items, "close", None)
            if close:
                close()

    thread = Thread(target=work, daemon=True)
    thread.start()
    stopped = False
    try:
        while True:
            try:
                entry = queue.get(timeout=_WAIT)
            except Empty:
                continue
            if isinstance(entry, BaseException):
                raise entry
            if entry is None:
                return
            yield entry[0]
    except KeyboardInterrupt:
        stopped = True  # the process ends: the item may take minutes
        raise
    finally:
        left.set()
        if not stopped:
            thread.join()
