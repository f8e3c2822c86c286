"""Write the config of the human demo with other choices than those of config/examples/human.yaml.

Usage: python -m config.human.choose OUT [--folds N] [--whole]

The first N models of the five are run, by default all, and with --whole the whole chromosome. The
name of the run is that of the file.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from genometracks.common.atomic import write_atomically

CONFIG = Path(__file__).parents[1] / "examples" / "human.yaml"


def choose(run: str, *, folds: int, whole: bool) -> dict[str, Any]:
    """The demo's config, of another name, with the first folds, and the whole chromosome."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["run"] = run
    config["model"]["weights"] = config["model"]["weights"][:folds]
    if whole:
        config["genome"]["regions"] = config["genome"]["regions"].replace("stretch", "whole")
        config["shards"] = 128
    return config


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="config to write")
    parser.add_argument("--folds", type=int, choices=range(1, 6), default=5, help="default: 5")
    parser.add_argument("--whole", action="store_true", help="the whole chromosome")
    args = parser.parse_args(arguments)
    config = choose(args.out.stem, folds=args.folds, whole=args.whole)
    with write_atomically(args.out) as file:
        file.write(yaml.safe_dump(config, sort_keys=False).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
