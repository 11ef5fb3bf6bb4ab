"""The small workspace, made anew for each test that asks for it."""

import sys
from pathlib import Path

import pytest

from headwater.engine.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parent))
import small_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small_workspace.build(tmp_path / "workspace")
