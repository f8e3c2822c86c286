"""What jobs ask for."""

from genometracks.graph.resources import grow


def test_each_attempt_asks_for_more():
    ask = grow(2_000)
    assert [ask(None, attempt=attempt) for attempt in (1, 2, 3)] == [2_000, 4_000, 6_000]
