"""Adds the packages that `make oracles` installs beside the environment to the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / ".oracles"))
