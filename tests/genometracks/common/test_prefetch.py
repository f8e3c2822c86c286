"""Prefetched items come in order, in bounded number, with their errors; the thread always ends."""

import threading

import pytest

from genometracks.common.prefetch import prefetch


def count(seen, last, *, fail_at=None):
    try:
        for i in range(last):
            if i == fail_at:
                raise ValueError(f"item {i}")
            seen.append(i)
            yield i
    finally:
        seen.append("closed")


def test_items_come_in_order_from_another_thread():
    threads = set()

    def items():
        for i in range(100):
            threads.add(threading.current_thread())
            yield i

    assert list(prefetch(items())) == list(range(100))
    assert threading.current_thread() not in threads and len(threads) == 1


def test_no_more_than_depth_items_wait():
    seen, gate = [], threading.Event()

    def items():
        for i in range(10):
            seen.append(i)
            if i == 4:
                gate.set()
            yield i

    ahead = prefetch(items(), depth=3)
    assert next(ahead) == 0
    assert gate.wait(10)  # 0 is out, 1 to 3 wait, 4 is made
    assert seen == [0, 1, 2, 3, 4]
    assert list(ahead) == list(range(1, 10))


def test_an_error_comes_after_the_items_before_it():
    seen, got = [], []
    with pytest.raises(ValueError, match="item 3"):
        for i in prefetch(count(seen, 10, fail_at=3)):
            got.append(i)
    assert got == [0, 1, 2] and seen[-1] == "closed"


def test_leaving_the_loop_early_ends_the_thread():
    before = threading.active_count()
    seen = []
    for i in prefetch(count(seen, 10**9)):
        if i == 5:
            break
    assert threading.active_count() == before
    assert seen[-1] == "closed" and len(seen) < 20
