"""What every test may ask for: the real data, where it is present."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real test data; the test is skipped, with a message, where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HEADWATER_TEST_DATA", default))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"no real data at {folder}; set HEADWATER_TEST_DATA to the folder that holds corpora/")
    return folder
