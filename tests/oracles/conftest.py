"""Peers that `make oracles` put beside the environment."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / ".oracles"))
