"""A shard of documents -> what they are compared by: `.keys` (KEY records by channel) and `.ranks` (a row each).

Channels are `url`, `exact` and `band-00` … `band-13`. The key of `exact` is the text's xxh3-64 mixed with its length:
among N documents the chance of one false pair is below N² / 2^65, 1e-5 for 20 million.

Addresses are compared without what names the same page in several ways: scheme, `www.`, default port, fragment,
trailing slash, tracking parameters, the order of parameters, escapes of characters that need none; 例子.中国 and its
punycode are one host. `?id=1` and `?id=2` are two pages, and so are `#!/1` and `#!/2`, which a script tells apart, and
`?q=%B4%F3` and `?q=%D0%A1`: bytes that are no UTF-8 (GBK, say) stay the bytes they are.
"""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import idna
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from headwater.corpus.shards import in_step, read_batches
from headwater.curate.decisions import in_question
from headwater.curate.duplicates.exchange import KEY, write_runs
from headwater.curate.duplicates.survivors import RANK, ranks
from headwater.engine.workspace import Output

VERSION = 2  # 2: bytes of a query that are no UTF-8 stay apart; `#!` is part of an address; licences in words
BANDS = 14
BAND_CHANNELS = [f"band-{band:02d}" for band in range(BANDS)]
_TRACKING = re.compile(
    r"utm_.*|spm(?:_.*)?|fbclid|gclid|msclkid|yclid|mc_[ce]id|_ga(?:_.*)?|igshid|scm", re.IGNORECASE
)
_LENGTH = np.uint64(0x9E3779B97F4A7C15)


def keys_shard(
    out: Output,
    *,
    documents: str,
    decisions: str,
    signals: dict[str, list[str]],
    tracks: list[str],
    by_language: dict[str, str],
    channels: list[str],
    parts: int,
    policy: str,
    quality: str,
    source: int,
) -> dict[str, Any]:
    """Shard function. `signals`: the files of `hashes`, of `minhash` where bands are asked for, of the family of
    `quality` where the policy is `best`: the newest edition's first, the documents' own last.

    An edition's signals are null in the rows that it did not change, and `hashes.exact` is never null elsewhere.
    """
    keys: dict[str, list[np.ndarray]] = {channel: [] for channel in channels}
    count = at = 0
    with out.path("ranks").open("wb") as file:
        for batches in in_step(_streams(documents, decisions, signals, quality, policy)):
            before, card, layers = batches[0], batches[1], iter(batches[2:])
            by_family = {family: [next(layers) for _ in files] for family, files in signals.items()}
            rows = before.num_rows
            alive = in_question(pa.Table.from_batches([before]), tracks, by_language)
            layer = _layer_of_rows([batch["hashes.exact"] for batch in by_family["hashes"]], rows)
            lengths = before["bytes_now"].to_numpy().astype(np.int64)
            found = _keys(channels, card, by_family, layer, lengths)
            for channel, (key, has) in found.items():
                some = np.flatnonzero(alive & has)
                records = np.zeros(len(some), KEY)
                records["key"], records["row"] = key[some], at + some
                keys[channel].append(records)
            table = np.zeros(rows, RANK)
            columns: dict[str, Any] = {"lengths": lengths}
            if policy in ("oldest", "newest"):
                columns["dates"] = card["date"].to_pylist()
            elif policy == "license":
                columns["licenses"] = card["license"].to_pylist()
            elif policy == "best":
                columns["quality"] = _quality(by_family, quality, layer)
            table["rank"] = ranks(policy, columns, at + np.arange(rows), source)
            halves = np.frombuffer(bytes.fromhex("".join(before["id"].to_pylist())), ">u8").reshape(-1, 2)
            table["high"], table["low"] = halves[:, 0], halves[:, 1]
            table.tofile(file)
            count += int(alive.sum())
            at += rows
    runs, size = {}, 0
    with out.path("keys").open("wb") as file:
        for channel, held in keys.items():
            records = np.concatenate([np.zeros(0, KEY), *held])
            runs[channel] = write_runs(file, records, parts, size)
            size += len(records)
    return {"documents": count, "rows": at, "keys": size, "spilled": size * KEY.itemsize, "runs": runs}


def _streams(
    documents: str, decisions: str, signals: dict[str, list[str]], quality: str, policy: str
) -> list[Any]:
    columns = {"hashes": ["hashes.exact"], "minhash": ["minhash.bands"]}
    if policy == "best":
        name = quality.lstrip("-")
        family = name.partition(".")[0]
        columns[family] = [*columns.get(family, []), name]
    state = ["id", "state", "split", "language", "bytes_now"]
    streams = [read_batches(decisions, state), read_batches(documents, ["url", "date", "license"])]
    return streams + [
        read_batches(path, columns[family]) for family, files in signals.items() for path in files
    ]


def _layer_of_rows(hashes: list[pa.Array], rows: int) -> np.ndarray:
    """(rows,) int8: which layer holds the row's text, the newest first; -1 where none measured it."""
    layer = np.full(rows, -1, np.int8)
    for number, column in enumerate(hashes):
        layer[np.asarray(pc.is_valid(column), dtype=bool) & (layer < 0)] = number
    return layer


def _keys(
    channels: list[str], card: pa.RecordBatch, signals: dict[str, list[pa.RecordBatch]], layer: np.ndarray,
    lengths: np.ndarray,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Channel -> (rows,) uint64 keys and (rows,) bool which rows have one."""
    found = {}
    if "url" in channels:
        urls = [normal_url(url) for url in card["url"].to_pylist()]
        key = np.array(
            [xxhash.xxh3_64_intdigest(url.encode("utf-8", "surrogateescape")) if url else 0 for url in urls],
            np.uint64,
        )
        found["url"] = (key, np.array([bool(url) for url in urls], bool))
    if "exact" in channels:
        key = np.zeros(len(layer), np.uint64)
        for number, batch in enumerate(signals["hashes"]):
            here = layer == number
            key[here] = pc.fill_null(batch["hashes.exact"], pa.scalar(0, pa.uint64())).to_numpy()[here]
        found["exact"] = (key ^ (lengths.astype(np.uint64) * _LENGTH), layer >= 0)
    if BAND_CHANNELS[0] in channels:
        bands = np.zeros((len(layer), BANDS), np.uint64)
        for number, batch in enumerate(signals["minhash"]):
            valid, values = fixed_lists(batch["minhash.bands"], BANDS)
            here = valid & (layer == number)
            bands[here] = values[here]
        for band, channel in enumerate(BAND_CHANNELS):
            found[channel] = (bands[:, band], bands[:, band] != 0)
    return found


def _quality(signals: dict[str, list[pa.RecordBatch]], quality: str, layer: np.ndarray) -> np.ndarray:
    """(rows,) float64, more is better; NaN where it was not measured."""
    name = quality.lstrip("-")
    values = np.full(len(layer), np.nan)
    for number, batch in enumerate(signals[name.partition(".")[0]]):
        here = layer == number
        column = pc.fill_null(pc.cast(batch[name], pa.float64()), np.nan)
        values[here] = column.to_numpy(zero_copy_only=False)[here]
    return -values if quality.startswith("-") else values


def fixed_lists(lists: pa.Array, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A fixed-size-list column: (rows,) bool valid and (rows, width) values, 0 where null."""
    valid = pc.is_valid(lists).to_numpy(zero_copy_only=False)
    # `flatten` leaves out the null lists, `values` would hold whatever lies under them
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    values = np.zeros((len(lists), width), flat.dtype)
    values[valid] = flat.reshape(-1, width)
    return valid, values


def normal_url(url: str | None) -> str:
    """The address as it is compared; empty where there is none."""
    try:
        parts = urlsplit((url or "").strip())
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return (url or "").strip()
    if not host:
        return (url or "").strip()
    if not host.isascii():
        with suppress(idna.IDNAError):
            host = idna.encode(host, uts46=True).decode()
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
        if not _TRACKING.fullmatch(name)
    )
    asked = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in query)
    script = _escaped(parts.fragment) if parts.fragment.startswith("!") else ""
    path = _escaped(parts.path).rstrip("/")
    return f"{place}{path}" + (f"?{asked}" if asked else "") + (f"#{script}" if script else "")


def _escaped(text: str) -> str:
    return _quoted(unquote(text, errors="surrogateescape"))


def _quoted(text: str) -> str:
    return quote(text, safe="/", errors="surrogateescape")
