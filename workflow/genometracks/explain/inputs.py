"""Input files that are newer than the records of a run, compared with their digests there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genometracks.config.folders import RunFolder
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.verify.inputs import list_inputs
from grelu_models.errors import ModelError


@dataclass(frozen=True)
class InputChange:
    """A file that a run read, and what became of it.

    Attributes
    ----------
    path : Path
    content : bool or None
        Whether its content differs from what the run read; None if it is missing.
    """

    path: Path
    content: bool | None

    @property
    def text(self) -> str:
        """The change in words."""
        if self.content is None:
            return f"{self.path}: missing"
        if self.content:
            return f"{self.path}: its content changed"
        return f"{self.path}: touched, with the same content"


def find_changes(run: RunFolder, plan: Plan) -> Iterator[InputChange]:
    """Yield the inputs that are missing, or newer than the plan and so read for their digest."""
    made = run.plan.stat().st_mtime_ns
    for each in list_inputs(run, plan):
        if run.path in each.path.parents and run.work in each.path.parents:
            continue  # made by the run itself
        try:
            if os.stat(each.path).st_mtime_ns <= made:
                continue
            yield InputChange(each.path, each.digest() != each.expected)
        except FileNotFoundError:
            yield InputChange(each.path, None)
        except (UserError, ModelError, OSError):  # unreadable: the stage that reads it says why
            yield InputChange(each.path, True)
