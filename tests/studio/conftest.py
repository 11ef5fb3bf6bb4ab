"""The workspace of the inspection tests, and what they know of it."""

import sys
from pathlib import Path

import pytest

from headwater.engine.workspace import Workspace

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "inspect")]
import small_workspace  # noqa: E402


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small_workspace.build(tmp_path / "workspace")
