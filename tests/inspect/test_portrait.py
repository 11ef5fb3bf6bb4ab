"""One page a source, and the same as a card's body and as JSON."""

import json

from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.inspect.portrait import lines_of, markdown


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
