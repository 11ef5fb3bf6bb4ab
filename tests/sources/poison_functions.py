"""Shard functions with an extractor and a signal that kill or hang at certain documents."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from headwater.engine.workspace import Output
from headwater.signals import gopher
from headwater.signals.measure import measure_shard, measure_shards
from headwater.sources import warc
from headwater.sources.extract import main_text
from headwater.sources.payload import document_of_payload
from headwater.sources.read import read_shard


def _poison(text: str) -> None:
    if "杀" in text or text.endswith("/kill"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if "停" in text or text.endswith("/hang"):
        time.sleep(600)


def read(out: Output, **arguments: Any) -> dict[str, Any]:
    main_text.warm()  # what the first page needs is loaded before the clock runs for it
    honest = warc.record_of

    def poisoned(record: Any, *rest: Any) -> Any:
        _poison(record.headers["WARC-Target-URI"])
        return document_of_payload(record, *rest)

    warc.record_of = partial(honest, document=poisoned)
    try:
        return read_shard(out, **arguments)
    finally:
        warc.record_of = honest


def measure(out: Output, **arguments: Any) -> dict[str, Any]:
    with _poisoned_gopher():
        return measure_shard(out, **arguments)


def measure_together(outs: list[Output], arguments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with _poisoned_gopher():
        return measure_shards(outs, arguments)


@contextmanager
def _poisoned_gopher() -> Iterator[None]:
    honest = gopher.measure

    def poisoned(text: str) -> Any:
        _poison(text)
        return honest(text)

    gopher.measure = poisoned
    try:
        yield
    finally:
        gopher.measure = honest
