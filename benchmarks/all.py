"""Run every benchmark and write all ratios beside their goals to benchmarks/{date}-all.md.

The tables of the scripts follow in the same file. `--quick` proves in a few minutes that every
script runs; its figures mean little and are not kept. Run by `make bench`.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from common import describe
from goals import VARIABLE, make_table, read_notes

HERE = Path(__file__).parent
# script: arguments of a quick run
SCRIPTS = {
    "bigwig": [],
    "merge": ["--bins", "1048576", "--repeat", "1"],
    "scan": ["--bases", "10000000"],
    "plan": [],
    "graph": ["--repeat", "1"],
    "light": ["--repeat", "1"],
    "predict": ["--repeat", "1"],
    "average": ["--repeat", "1"],
    "query": ["--repeat", "1", "--runs", "1"],
    "memory": ["--repeat", "1"],
    "against_grelu": ["--repeat", "1", "--cases", "demo"],
    "models": ["--repeat", "1", "--families", "ConvModel"],
}
PACKAGES = ("torch", "numpy", "pyBigWig", "deflate", "pyarrow")


def describe_machine() -> str:
    """Processor, cores and memory, from /proc."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    models = {line.split(":")[1].strip() for line in cpus if line.startswith("model name")}
    total = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    load = os.getloadavg()[0]
    return (
        f"{', '.join(sorted(models)) or platform.machine()}, {os.cpu_count()} cores, "
        f"{int(total) / 2**20:.0f} GiB, {platform.platform()}; load before the start {load:.1f}"
    )


def run_script(name: str, words: list[str], notes: Path) -> tuple[str, int]:
    """Run one script and show its output; return the output and the exit status."""
    command = [sys.executable, str(HERE / f"{name}.py"), *words]
    environment = {**os.environ, VARIABLE: str(notes), "PYTHONUNBUFFERED": "1"}
    print(f"\n## {name}\n", flush=True)
    lines = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines), process.returncode


def main() -> int:
    """Run all scripts, print the table of ratios and write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--grelu-python", default="", help="an interpreter with gReLU 1.1.0")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    head = f"{describe(*PACKAGES)}\n{describe_machine()}"
    sections, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.touch()
        for name, quick in SCRIPTS.items():
            words = quick if options.quick else []
            if name == "against_grelu" and options.grelu_python:
                words = [*words, "--grelu-python", options.grelu_python]
            output, status = run_script(name, words, notes)
            failed += [name] if status else []
            sections.append(f"## {name}\n\n{output.strip()}\n")
        table = make_table(read_notes(notes))
    if failed:
        table += f"\n\nFailed: {', '.join(failed)}."
    print(f"\n## All ratios\n\n{table}", flush=True)
    if not options.quick:
        command = "make bench GRELU_PYTHON=..." if options.grelu_python else "make bench"
        parts = [f"# All benchmarks\n\nCommand: `{command}`\n\n{head}\n\n{table}\n", *sections]
        (HERE / f"{date.today()}-all.md").write_text("\n".join(parts))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
