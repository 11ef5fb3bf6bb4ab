"""One page a source, and the same as a card's body and as JSON."""

import json
from dataclasses import replace

from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.inspect.portrait import lines_of, markdown
from headwater.inspect.snapshots import open_workspace, snapshots
from headwater.pipeline.source_profile import markdown_of


def test_counts_quantiles_and_the_ledger_are_those_of_the_workspace(curated):
    place = curated.parent / "workspace"
    [source] = api.profile(curated).sources
    assert (source.name, source.kind, source.documents, source.units) == ("a", "files", 88, 88)
    [(kept,)] = api.sql(place, "select count(*) from ledger where state = 'kept' and split = 'train'").rows
    assert source.kept == kept and 0 < source.kept_bytes < source.bytes
    assert dict(source.languages)["zh"] >= 40 and sum(dict(source.languages).values()) == 88
    [(middle, mean)] = api.sql(place, 'select median("length.words"), avg("length.words") from signals').rows
    words = source.signals["length.words"]
    assert abs(words.mean - mean) < 0.01 and abs(words.quantiles[2] - middle) / middle < 0.05
    assert words.documents == 88 and list(words.quantiles) == sorted(words.quantiles)
    assert source.licenses == [("", 88)] and source.tokens_per_word > 0


def test_shown_as_a_page_as_markdown_and_as_json(curated):
    answer = api.profile(curated)
    text = "\n".join(lines_of(answer))
    table = text[text.index("signal  ") :].partition("more signals")[0]
    assert all(len(line) <= 80 for line in table.splitlines()[:-1])
    assert answer.clusters.clusters > 0 and "clusters; documents × clusters: 2 × " in text
    assert "a (files)" in text and "licence   not stated 88" in text and "length.words" in text
    assert "## a" in markdown(answer) and "| `length.words` |" in markdown(answer)
    said = json.loads(CliRunner().invoke(cli, ["profile", str(curated), "--json"]).output)
    assert said["sources"][0]["documents"] == 88
    assert CliRunner().invoke(cli, ["profile", str(curated), "--markdown"]).output.startswith("## a")


def test_the_card_of_the_training_set_has_it_and_follows_what_is_measured(curated):
    snapshot = snapshots(open_workspace(curated.parent / "workspace"))[0]
    folder = snapshot.training_set
    card = (folder / "card.md").read_text(encoding="utf-8")
    body = card[card.index("## Profile") : card.index("## What was left out")]
    [source] = api.profile(curated).sources
    for part in markdown_of(source, level=3):
        assert part in body
    assert "| kept to train on |" in body and "| tokens a word |" in body


def test_a_hostile_value_is_only_read(curated):
    [source] = api.profile(curated).sources
    said = replace(
        source, name="a](http://x) <script>\n# b", sites=[("`rm`|x\x1b[31m", 3)], licenses=[("**甲**", 1)]
    )
    shown = "\n".join(markdown_of(said))
    assert "<script>" not in shown and "\x1b" not in shown and "\n# b" not in shown
    assert "\\`rm\\`\\|x" in shown and "\\*\\*甲\\*\\*" in shown and "](http" not in shown
