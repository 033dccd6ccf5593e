"""Checks the tree against the rules of the house: python -m tests.rules."""

import sys
from pathlib import Path

from tests.rules.house import breaches

found = [str(breach) for breach in breaches(root=Path.cwd())]
print("\n".join(found) if found else "the rules of the house: kept")
sys.exit(bool(found))
