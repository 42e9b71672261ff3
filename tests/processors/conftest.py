"""The deployed function's folder on the path, as Lambda has it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

sys.path.insert(0, str(ROOT / "processors"))
