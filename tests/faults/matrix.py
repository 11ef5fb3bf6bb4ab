"""The fault matrix: `./run faults [--all]` runs the tests that prove a row and prints what holds.

A pytest plugin (`-p matrix`, with this folder on the path). A row is proved by the tests named here and by those
marked `@pytest.mark.fault(row)`; a row without any is said to have none. Writes docs/faults.md.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# row: (fault, what is expected, tests that prove it: beginnings of their ids)
ROWS: dict[int, tuple[str, str, tuple[str, ...]]] = {
    1: ("killed at any moment", "nothing half at a final name; the same bytes after it",
        ("tests/pipeline/test_path.py::test_killed", "tests/engine/test_fail_points.py::test_a_kill", "tests/pipeline/test_random_kills.py", "tests/pipeline/test_store.py::test_a_run_that_is_killed")),
    2: ("a worker dies, or takes all memory", "tried again, the guilty item quarantined, never a hang",
        ("tests/engine/test_guard.py", "tests/sources/test_poison.py", "tests/engine/test_engine.py::test_a_dead_worker")),
    3: ("killed between rename and manifest", "the orphan is ignored, later collected",
        ("tests/engine/test_fail_points.py::test_what_a_kill_left", "tests/engine/test_upkeep.py::test_what_a_kill_has_left")),
    4: ("Ctrl-C, SIGTERM", "no child left, resumable", ("tests/engine/test_engine.py::test_ctrl_c",)),
    5: ("two runs on one workspace", "the second is refused by name", ("tests/engine/test_engine.py::test_a_second_writer", "tests/pipeline/test_store.py::test_of_two")),
    6: ("recipe, code or input changed", "made again", ("tests/contracts/test_measured_once.py", "tests/engine/test_engine.py::test_a_changed_key")),
    7: ("1 or 4 workers", "the same bytes",
        ("tests/pipeline/test_path.py::test_four_workers", "tests/pipeline/test_curation.py::test_one_worker", "tests/engine/test_engine.py::test_one_and_four")),
    8: ("a finished run again", "nothing is made", ("tests/pipeline/test_path.py::test_a_second_run", "tests/contracts/test_measured_once.py::test_a_second_run")),
    9: ("disk full, file too large", "a message, temporaries removed, resumable",
        ("tests/engine/test_fail_points.py::test_an_error", "tests/engine/test_fail_points.py::test_a_file_that_may_not_grow")),
    10: ("EIO, a failing fsync", "the shard is not committed", ("tests/engine/test_fail_points.py::test_an_error",)),
    11: ("few file descriptors", "works", ()),
    12: ("truncated gz, zst, bz2", "the prefix kept, the tail quarantined",
         ("tests/sources/test_warc.py::test_of_a_truncated", "tests/sources/test_files.py::test_of_a_truncated", "tests/sources/test_books.py::test_of_a_truncated", "tests/sources/test_epub.py::test_a_truncated", "tests/sources/test_news.py::test_of_a_truncated", "tests/sources/test_code.py::test_of_a_truncated", "tests/sources/test_arrow.py::test_of_a_truncated",)),
    13: ("a flipped byte in a WARC member", "at most its record lost", ("tests/sources/test_warc.py::test_a_flipped_byte", "tests/sources/test_books.py::test_damage", "tests/sources/test_epub.py::test_one_damaged", "tests/sources/test_news.py::test_flipped", "tests/sources/test_news.py::test_damage", "tests/sources/test_arrow.py::test_flipped",)),
    14: ("garbage between members, one member, empty file", "resynchronised, or named",
         ("tests/sources/test_warc.py::test_garbage", "tests/sources/test_warc.py::test_an_archive_in_one_member", "tests/sources/test_warc.py::test_what_is_no_warc", "tests/sources/test_files.py::test_concatenated_members", "tests/sources/test_files.py::test_empty_files", "tests/sources/test_epub.py::test_a_hostile", "tests/sources/test_news.py::test_a_zip_of_feeds",)),
    15: ("false length, revisits, ARC", "read or quarantined",
         ("tests/sources/test_warc.py::test_a_false_length", "tests/sources/test_warc.py::test_documents_are_pages", "tests/sources/test_warc.py::test_the_account_balances")),
    16: ("one line of bad UTF-8", "exactly that line lost", ("tests/sources/test_files.py::test_one_invalid_line",)),
    17: ("GB18030, Big5, a false charset", "decoded right, or quarantined", ("tests/sources/test_warc.py::test_charset", "tests/sources/test_files.py::test_public_encodings", "tests/sources/test_files.py::test_a_text_file_is_decoded", "tests/sources/test_files.py::test_a_page_survives", "tests/sources/test_books.py::test_a_novel_in_any", "tests/sources/test_news.py::test_a_feed_in_any", "tests/sources/test_dialogue.py::test_a_log_is_decoded", "tests/sources/test_code.py::test_programs_with_comments", "tests/sources/test_forum.py::test_another_encoding",)),
    18: ("NUL, BOM, CRLF, U+2028, NEL", "normalised, lines stable", ("tests/corpus/test_text.py::test_normalise", "tests/sources/test_files.py::test_line_separators", "tests/sources/test_books.py::test_odd_characters",)),
    19: ("lone surrogates", "caught on the way in", ("tests/corpus/test_text.py::test_normalise", "tests/sources/test_files.py::test_what_is_no_character")),
    20: ("a JSON line of 1 GB", "quarantined in bounded memory", ("tests/sources/test_books.py::test_a_book_too_large", "tests/sources/test_news.py::test_an_item_too_large",)),
    21: ("JSON nested 200,000 deep", "quarantined", ("tests/sources/test_files.py::test_deep_json",)),
    22: ("compression bombs", "stopped while streaming", ("tests/sources/test_warc.py::test_content_codings", "tests/sources/test_books.py::test_a_gzip_bomb", "tests/sources/test_epub.py::test_an_epub_bomb",)),
    23: ("HTML nested deep", "its text", ("tests/sources/test_warc.py::test_deep_nesting", "tests/sources/test_books.py::test_deep_but",)),
    24: ("giant tables", "in time", ()),
    25: ("text against regular expressions", "linear", ("tests/sources/test_news.py::test_hostile_feeds", "tests/sources/test_code.py::test_hostile_text", "tests/sources/test_html.py::test_the_address",)),
    26: ("an extractor that hangs or crashes", "its document quarantined, no other lost", ("tests/sources/test_poison.py",)),
    27: ("nothing to read, nothing survives", "said", ("tests/pipeline/test_curation.py::test_where_nothing_survives", "tests/sources/test_shards.py::test_paths_that_name_nothing", "tests/sources/test_files.py::test_empty_files")),
    28: ("10,000 tiny files, one of 2 GB", "bounded memory", ("tests/sources/test_arrow.py::test_a_giant",)),
    29: ("ids missing or twice", "ids of our own; a collision is named", ("tests/sources/test_shards.py::test_two_sources", "tests/contracts/test_ids_name_places.py", "tests/sources/test_files.py::test_ids_do_not_depend")),
    30: ("schema drift, NaN", "a typed error", ("tests/sources/test_files.py::test_schema_drift", "tests/sources/test_files.py::test_a_missing_text_column")),
    31: ("damaged Parquet", "fails by name", ("tests/sources/test_files.py::test_parquet_is_read", "tests/sources/test_arrow.py::test_flipped",)),
    32: ("fork with threads", "spawn only", ("tests/engine/test_engine.py::test_jobs_run_on_one_thread",)),
    33: ("hash seed, locale, time zone, clock", "the same bytes", ()),
    34: ("stale intermediate files", "refused or made again", ("tests/engine/test_engine.py::test_a_missing_or_shortened", "tests/curate/test_against.py::test_an_index_that_is_not_whole")),
    35: ("duplicates larger than memory", "spills; the same survivors", ("tests/pipeline/test_duplicates_memory.py::test_the_same_survivors",)),
    38: ("killed at a checkpoint", "the previous one loads, bit for bit", ("tests/train/test_pretrain.py::test_killed_and_resumed", "tests/pipeline/test_path.py::test_killed", "tests/train/test_pretrain.py::test_a_kill_during", "tests/train/test_pretrain.py::test_a_damaged_checkpoint")),
    39: ("token above the vocabulary, NaN loss", "a named stop", ("tests/train/test_pretrain.py::test_a_loss_that_is_no_number", "tests/corpus/test_tokens.py::test_a_token_outside")),
    40: ("bit rot", "verify names it", ("tests/engine/test_upkeep.py::test_bit_rot", "tests/pipeline/test_store.py::test_bit_rot", "tests/engine/test_engine.py::test_a_missing_or_shortened")),
}  # fmt: skip
READERS = (
    "warc",
    "html",
    "files",
    "huggingface",
    "wikipedia",
    "books",
    "news",
    "dialogue",
    "forum",
    "papers",
    "code",
)
ROOMS = (*READERS, "engine", "signals", "curate", "train", "pipeline")
# The reader that a file of tests/sources tries, where that is one: the first that its name fits.
_READER_OF = {
    "wikipedia": re.compile(r"test_wiki"),
    "books": re.compile(r"test_(books|epub|paragraphs)"),
    "news": re.compile(r"test_(news|metadata)"),
    "dialogue": re.compile(r"test_dialogue"),
    "forum": re.compile(r"test_(forum|sevenzip)"),
    "papers": re.compile(r"test_(papers|latex|pdf)|kinds\.py::\w*(tex|pdf)"),
    "code": re.compile(r"test_code|kinds\.py::\w*git"),
    "huggingface": re.compile(r"test_(huggingface|arrow)"),
    "html": re.compile(r"test_(html|main_text)"),
}  # fmt: skip
# Of the others, those that read archives; the rest read files.
_ARCHIVES = re.compile(
    r"warc|archive|member|record|page|nested|table_of|bad_input|codings|charset|coding|test_arc|test_urls",
    re.I,
)
# tests/pipeline/test_cross.py: which row a case proves, and for which reader.
_CROSS = re.compile(
    r"test_cross\.py::\w+\[(?P<reader>[\w.]+)-(?:(?P<stage>documents|signals|ledger)/|(?P<damage>[a-z ]+))-"
)
_DAMAGES = {"cut": 12, "flipped": 13, "zeros within": 13, "empty": 14, "garbage behind": 14}
_ROWS_PROVED = "fault rows"  # of a report's properties, which a test process sends to the one that prints
_outcomes: dict[int, dict[str, str]] = defaultdict(dict)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the tests that prove a row."""
    chosen = []
    for item in items:
        rows = {row for mark in item.iter_markers("fault") for row in mark.args}
        if (cross := _CROSS.search(item.nodeid)) is not None:
            rows |= {1, 7} if cross["stage"] else {_DAMAGES[cross["damage"]], 7}
        rows |= {row for row, (_, _, proofs) in ROWS.items() if item.nodeid.startswith(proofs)}
        if rows:
            item.user_properties.append((_ROWS_PROVED, sorted(rows)))
            chosen.append(item)
    taken = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in taken])
    items[:] = chosen


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        for row in dict(report.user_properties).get(_ROWS_PROVED, ()):
            _outcomes[row][report.nodeid] = report.outcome


def room_of(nodeid: str) -> str:
    """What a test tries: a reader, or the room of the pipeline whose folder it is in."""
    room = nodeid.split("/")[1]
    if (cross := _CROSS.search(nodeid)) is not None:
        kind = cross["reader"].partition(".")[0]
        return kind if kind in READERS else "files"
    if room != "sources":
        return room if room in ROOMS else "files" if room == "corpus" else "pipeline"
    found = (reader for reader, names in _READER_OF.items() if names.search(nodeid))
    return next(found, "warc" if _ARCHIVES.search(nodeid) else "files")


def _verdict(outcomes: list[str]) -> str:
    return "FAIL" if "failed" in outcomes else "pass" if "passed" in outcomes else "-"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line a row on the terminal; docs/faults.md has a column for each reader and room too."""
    table = [
        "# Faults", "",
        "What holds under which fault, for each reader and room of the pipeline: pass, FAIL, or - where a fault does",
        "not apply to it or is tried in another column. Written by `./run faults`, which runs the tests behind it; with",
        "`--all` the long ones take part.", "",
        f"| # | fault | expected | {' | '.join(ROOMS)} | tests |", "| --- " * (len(ROOMS) + 4) + "|",
    ]  # fmt: skip
    terminalreporter.write_line("")
    for row, (fault, expected, _) in ROWS.items():
        outcomes = _outcomes[row]
        kinds = list(outcomes.values())
        by_room = [_verdict([o for test, o in outcomes.items() if room_of(test) == room]) for room in ROOMS]
        counts = ", ".join(
            f"{kinds.count(kind)} {kind}" for kind in ("passed", "failed", "skipped") if kind in kinds
        )
        verdict = _verdict(kinds).replace("-", "no test")
        terminalreporter.write_line(f"{row:>3}  {verdict:<8} {fault:<45.45} {counts}")
        table.append(f"| {row} | {fault} | {expected} | {' | '.join(by_room)} | {counts} |")
    (ROOT / "docs" / "faults.md").write_text("\n".join(table) + "\n", encoding="utf-8")
