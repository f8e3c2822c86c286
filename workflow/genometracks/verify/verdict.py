"""The result of verifying a run, as a record and as text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genometracks.common.units import format_si

Kind = Literal["result", "shard", "input"]
KINDS: tuple[Kind, ...] = ("result", "shard", "input")


@dataclass(frozen=True)
class Checked:
    """A file that was compared with its seal.

    Attributes
    ----------
    file : Path
    kind : str
        `result`, `shard` or `input`.
    bytes : int
    problem : str or None
        What is wrong; None if the file is as it was written.
    remedy : str
        What to do about the problem. Default is "".
    """

    file: Path
    kind: Kind
    bytes: int
    problem: str | None
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """The result of verifying a run.

    Attributes
    ----------
    run : Path
        Folder of the run.
    checked : tuple of Checked
    absent : tuple of Path
        Shards and inputs that are no longer there; a finished run does not need them.
    """

    run: Path
    checked: tuple[Checked, ...]
    absent: tuple[Path, ...]

    @property
    def damaged(self) -> list[Checked]:
        """Files that are not as they were written."""
        return [each for each in self.checked if each.problem]


def describe_verdict(verdict: Verdict) -> str:
    """Describe a verdict: one line per damaged file, then a sum."""
    lines = [f"{each.file}: {each.problem}: {each.remedy}" for each in verdict.damaged]
    counts = [
        f"{count:,} {kind}{'' if count == 1 else 's'}"
        for kind in KINDS
        if (count := sum(each.kind == kind for each in verdict.checked))
    ]
    size = format_si(sum(each.bytes for each in verdict.checked))
    state = f"{len(verdict.damaged):,} damaged" if lines else "all as they were written"
    if not counts:
        state, counts = "nothing to verify", ["no seals"]
    lines.append(f"{verdict.run}: {', '.join(counts)}, {size}B: {state}")
    if verdict.absent:
        some = ", ".join(map(str, verdict.absent[:3])) + (", ..." if verdict.absent[3:] else "")
        lines.append(f"  no longer there, not verified: {some}")
    return "\n".join(lines)


def format_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Format verdicts as JSON, for programs."""
    runs = [
        {
            "run": str(verdict.run),
            "sound": not verdict.damaged,
            "checked": {kind: sum(each.kind == kind for each in verdict.checked) for kind in KINDS},
            "bytes": sum(each.bytes for each in verdict.checked),
            "damaged": [
                {
                    "file": str(each.file),
                    "kind": each.kind,
                    "problem": each.problem,
                    "remedy": each.remedy,
                }
                for each in verdict.damaged
            ],
            "absent": [str(path) for path in verdict.absent],
        }
        for verdict in verdicts
    ]
    return json.dumps({"sound": not any(v.damaged for v in verdicts), "runs": runs}, indent=1)
