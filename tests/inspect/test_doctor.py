"""The doctor says what is there, and how to get what is not."""

import importlib
from pathlib import Path

import pytest

from headwater.inspect import doctor as module
from headwater.inspect.doctor import doctor, lines_of


def test_this_machine_passes(tmp_path: Path) -> None:
    checks = doctor(tmp_path)
    assert {"Python", "cores", "memory", "disk", "write access", "terminal", "torch"} <= {
        c.name for c in checks
    }
    assert not [check for check in checks if check.failed]
    assert all(len(line) <= 80 for line in lines_of(checks))


def test_a_missing_package_fails_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = importlib.import_module

    def broken(name: str, package: str | None = None) -> object:
        if name == "rjieba":
            raise ImportError("没有 rjieba")
        return real(name, package)

    monkeypatch.setattr(module.importlib, "import_module", broken)
    [failed] = [check for check in doctor(tmp_path) if check.failed]
    assert failed.name == "rjieba" and failed.advice == "pip install rjieba"
    assert any("pip install rjieba" in line for line in lines_of([failed]))


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    assert module._writable(tmp_path / "missing").failed
