"""Log output of a command, and the times read from it."""

import logging
import re
from datetime import UTC, datetime, timedelta

from genometracks.common.logs import (
    error_prefix,
    find_events,
    format_event,
    is_event,
    log_to_stderr,
)

OURS, MODELS = logging.getLogger("genometracks.a.b"), logging.getLogger("grelu_models.c")


def test_a_level_has_its_prefix(capsys):
    with log_to_stderr("merge"):
        OURS.info("5 bins")
        MODELS.warning("x.ckpt: 2 tracks have no name")
        OURS.error("the disk is full")
        OURS.debug("details")
        logging.getLogger("another").warning("not ours")
    assert capsys.readouterr().err.splitlines() == [
        "5 bins",
        "genometracks: note: x.ckpt: 2 tracks have no name",
        "genometracks merge: the disk is full",
    ]
    assert error_prefix("merge") == "genometracks merge: "


def test_a_command_leaves_no_handlers_behind(capsys):
    before = [(logger.level, list(logger.handlers)) for logger in map(logging.getLogger, NAMES)]
    for command in ("merge", "plan"):
        with log_to_stderr(command):
            OURS.error("once")
    assert capsys.readouterr().err == "genometracks merge: once\ngenometracks plan: once\n"
    after = [(logger.level, list(logger.handlers)) for logger in map(logging.getLogger, NAMES)]
    assert before == after


NAMES = ("genometracks", "grelu_models")


def test_times_are_found_in_a_log():
    started, finished = format_event("started", "predict"), format_event("finished", "predict")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ started predict", started)
    found = find_events(f"{started}\nfinished reading\n{finished} peak 12 MB\nlast\n")
    assert list(found) == ["started", "finished"]
    assert timedelta(0) <= found["finished"] - found["started"] < timedelta(seconds=60)
    assert is_event(started) and not is_event("finished reading")


def test_the_last_time_counts_and_a_damaged_one_does_not():
    lines = ["2026-01-02T03:00:00Z started a", "2026-01-02T04:00:00Z started a"]
    lines += ["2026-01-02T99:00:00Z started a", "2026-01-02T05:00:00Z finishe"]
    assert find_events("\n".join(lines)) == {"started": datetime(2026, 1, 2, 4, tzinfo=UTC)}
    assert find_events("") == {}
