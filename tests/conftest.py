"""What every test may ask for: the real data, where it is present."""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real test data; the test is skipped, with a message, where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HEADWATER_TEST_DATA", default))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"no real data at {folder}; set HEADWATER_TEST_DATA to the folder that holds corpora/")
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The endpoint of an S3-compatible server on loopback, and its credentials in the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "canary-key-id",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.fixture
def bucket(s3_server: str, request: pytest.FixtureRequest) -> str:
    """The name of a new, empty bucket."""
    name = f"headwater-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"
    fsspec.filesystem("s3").mkdir(name)
    return name
