"""Tests of models share the small models that they are made with."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
