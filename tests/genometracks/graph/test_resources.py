"""Resources that jobs request."""

from genometracks.graph.resources import grow


def test_each_attempt_requests_more():
    memory = grow(2_000)
    assert [memory(None, attempt=attempt) for attempt in (1, 2, 3)] == [2_000, 4_000, 6_000]
