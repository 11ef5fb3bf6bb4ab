"""Documents are drawn blind, labelled one key each, and the shares are those of the strata."""

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from headwater import api
from headwater.cli import cli


@pytest.fixture
def audited(curated):
    """The recipe without labels, before and after."""
    path = curated.parent / "workspace" / "audits" / "r.jsonl"
    path.unlink(missing_ok=True)
    yield curated
    path.unlink(missing_ok=True)


def test_the_draw_is_the_same_again_stratified_and_grows(audited):
    some, more = api.audit(audited, 20), api.audit(audited, 40)
    assert [draw.id for draw in some.draws] == [draw.id for draw in api.audit(audited, 20).draws]
    states = [draw.stratum[0] for draw in some.draws]
    assert states.count("kept") == states.count("dropped") == 10
    assert {draw.stratum[1] for draw in some.draws} >= {"en", "zh"}
    assert len({draw.id for draw in some.draws} & {draw.id for draw in more.draws}) >= 18


def test_precision_and_recall_are_weighted_by_what_the_strata_hold(audited):
    session = api.audit(audited, 30)
    assert session.report().precision is None
    for draw in session.draws:
        session.label(draw, "good" if draw.stratum[0] == "kept" else "bad")
    report = session.report()
    assert (report.precision, report.recall, report.labelled) == (1.0, 1.0, 30)
    assert 0.6 < report.precision_interval[0] < 1 and report.precision_interval[1] == 1
    dropped = [draw for draw in session.draws if draw.stratum[0] == "dropped"]
    for draw in dropped[: len(dropped) // 2]:
        session.label(draw, "good")  # a later label goes before an earlier one
    report = api.audit(audited, 30).report()
    sizes = session.sizes
    kept = sum(n for (state, _), n in sizes.items() if state == "kept")
    good_dropped = sum(
        sizes[row["state"], row["language"]] * row["good"] / row["labelled"]
        for row in report.strata
        if row["state"] == "dropped"
    )
    assert report.recall == pytest.approx(kept / (kept + good_dropped), abs=0.05)
    assert report.recall_interval[0] < report.recall < report.recall_interval[1]


def test_keys_of_a_stream_label_resume_and_take_back(audited):
    run = CliRunner().invoke
    first = run(cli, ["audit", str(audited), "-n", "10"], input="y n u y q")
    assert first.exit_code == 0 and "4 of 10 labelled, 1 unsure" in first.output
    assert "dropped" not in first.output.split("precision")[0]  # nothing of the verdict
    path = audited.parent / "workspace" / "audits" / "r.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id": "cut of')  # what a kill leaves
    second = run(cli, ["audit", str(audited), "-n", "10"], input="b y" + "y" * 20)
    assert "── 5 of 10" in second.output and "10 of 10 labelled" in second.output
    said = json.loads(run(cli, ["audit", str(audited), "-n", "10", "--report", "--json"]).output)
    assert said["labelled"] == 10 and said["drawn"] == 10


def test_one_key_is_enough_in_a_terminal(audited):
    master, slave = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from headwater.cli import main; main()",
        "audit",
        str(audited),
        "-n",
        "2",
    ]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "xterm"}
    )
    os.close(slave)
    shown, until = b"", time.monotonic() + 120
    while time.monotonic() < until:
        if select.select([master], [], [], 0.5)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
        elif shown.rstrip().endswith(b"q stop"):
            os.write(master, b"y")  # again if it came before the terminal listened
    process.wait(timeout=60)
    os.close(master)
    assert process.returncode == 0 and "2 of 2 labelled" in shown.decode("utf-8", "replace")
