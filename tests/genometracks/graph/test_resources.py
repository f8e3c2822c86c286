"""What jobs ask for."""

import pytest

from genometracks.graph.resources import count_gpus, grow


def test_each_attempt_asks_for_more():
    ask = grow(2_000)
    assert [ask(None, attempt=attempt) for attempt in (1, 2, 3)] == [2_000, 4_000, 6_000]


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("auto", 1), ("cuda", 1), ("cuda:1", 1)])
def test_a_job_asks_for_a_gpu_unless_it_predicts_on_the_cpu(device, gpus):
    assert count_gpus(device) == gpus
