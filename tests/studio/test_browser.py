"""In a real browser: the report shows, asks the network for nothing, and runs nothing that a document holds."""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import fabricated
import pytest
import small_workspace

from headwater.engine.workspace import Workspace
from headwater.studio.report import report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--virtual-time-budget=3000",
    "--proxy-bypass-list=<-loopback>",
)  # fmt: skip


# Hosts that the browser itself asks for the time and for updates, whatever page it shows; no page here names one.
ITS_OWN = ("google.com", "googleapis.com", "gstatic.com", "gvt1.com")


class _Proxy:
    """Counts what a browser asks for; answers nothing."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.requests.append(connection.recv(400).split(b"\r\n")[0].decode("latin-1"))
                    connection.sendall(
                        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                except OSError:
                    continue

    @property
    def of_the_page(self) -> list[str]:
        hosts = [
            (re.split(r"[/:]", re.sub(r"^\w+ (https?://)?", "", line))[0], line) for line in self.requests
        ]
        return [line for host, line in hosts if not host.endswith(ITS_OWN)]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def proxy() -> Iterator[_Proxy]:
    counting = _Proxy()
    yield counting
    counting.close()


def _dom(page: Path, proxy: _Proxy, folder: Path) -> str:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium fonts-noto-cjk)")
    command = [
        browser,
        *FLAGS,
        f"--proxy-server=http://{proxy.address}",
        f"--user-data-dir={folder}",
        "--dump-dom",
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode("utf-8")


def test_the_report_shows_and_is_silent(workspace: Workspace, tmp_path: Path, proxy: _Proxy) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(fabricated.comparison(hostile=small_workspace.HOSTILE)), encoding="utf-8")
    page = report(workspace, tmp_path / "report.html", path)
    dom = _dom(page, proxy, tmp_path / "profile")
    assert "<title>Headwater report</title>" in dom  # a script of a document would have changed it
    for heading in ("Effect on held-out text", "Domain by domain", "The arms", "Training", "Trained on, scored on",
                    "First rung: byte 5-gram", "From source to training set", "Why documents left",
                    "Quarantine and accounts", "How the verdict was reached", "To repeat this", "Limits", "按领域",
                    "文档为什么离开", "老"):  # fmt: skip
        assert heading in dom
    assert not [host for host in ITS_OWN if host in page.read_text(encoding="utf-8")]
    assert proxy.of_the_page == []


def test_the_proxy_would_have_noticed(tmp_path: Path, proxy: _Proxy) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<title>a</title><img src="http://headwater.example/图.png"><script>document.title="ran"</script>'
    )
    dom = _dom(page, proxy, tmp_path / "profile")
    assert (
        any("headwater.example" in request for request in proxy.of_the_page) and "<title>ran</title>" in dom
    )
