"""A call of the file system that fails once: one line, nothing half-written, and the next run ends.

NFS may answer a rename with ESTALE, a disk any call with EIO.
"""

import errno
import os
import random
import re

import pytest

from scene import RESULTS, Scene
from storm import RENAMES


def fail_once(scene: Scene, position: int, **how) -> bool:
    """Run a command in which a step fails; whether the command failed for it, in one line."""
    words = scene.commands[position]
    ended = scene.warm.run(words, folder=str(scene.folder), **how)
    scene.check_nothing_is_half_written()
    if not ended.status:
        return False
    assert ended.status == 1 and "Traceback" not in ended.err
    (line,) = re.findall(rf"^genometracks {words[0]}: (.*)$", ended.err, re.M)
    reason = os.strerror(how["error"])
    cause = rf"{RESULTS}/\S+: cannot be written: {reason}: check the folder's permissions and .*"
    assert re.fullmatch(rf"{cause}|\[Errno {how['error']}\] {reason}: '{RESULTS}/\S+'", line), line
    return True


def finish(scene: Scene, position: int) -> None:
    ended = scene.warm.run(scene.commands[position], folder=str(scene.folder))
    assert ended.status == 0, ended.err


@pytest.mark.parametrize("stale", [False, True], ids=["new", "over older results"])
def test_a_rename_that_fails_once_is_one_line_and_loses_nothing(scene, stale):
    scene.reset(stale=stale)
    failed = 0
    for position in range(len(scene.commands)):
        at = 1
        while fail_once(scene, position, only=RENAMES, at=at, error=errno.ESTALE):
            at, failed = at + 1, failed + 1
        finish(scene, position)
    scene.check_finished()
    assert failed >= len(scene.commands)


def test_any_step_that_fails_once_is_one_line_and_loses_nothing(scene):
    scene.reset(stale=True)
    rng, failed = random.Random(0), 0
    for position in range(len(scene.commands)):
        for at in rng.sample(range(1, scene.steps[position] + 1), 3):
            failed += fail_once(scene, position, at=at, error=errno.EIO)
        finish(scene, position)
    scene.check_finished()
    assert failed > len(scene.commands)
