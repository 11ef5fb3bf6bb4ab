"""Tokenisers compared: the numbers are those of a count by hand, whatever the kind and wherever it is from."""

import json
from pathlib import Path

import pytest
import tokenizers
from click.testing import CliRunner

from headwater.cli import cli
from headwater.errors import HeadwaterError
from headwater.inspect.tokenizers import compare, lines_of
from headwater.inspect.visible import width
from headwater.model.tokenizer import train

CHINESE = "我们去过山里的源头，源头在山里。" * 8
ENGLISH = "The river rises in the hills and the river runs to the sea. " * 8


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = []
    for name, text in (("zh.txt", CHINESE), ("en.txt", ENGLISH)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        made.append(str(tmp_path / name))
    return made


def test_the_numbers_are_counts(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "tokenizer.json"
    path.write_text(train([CHINESE, ENGLISH], 300), encoding="utf-8")
    sentence = "源头𠮷in the hills"
    comparison = compare([str(tmp_path / "run"), "wordpiece:300"], texts=[*files, sentence])
    ours, lossy = comparison.tokenizers
    slow = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
    zh = ours.languages["zh"]
    assert zh.tokens == len(slow.encode(CHINESE).ids) and zh.characters == len(CHINESE)
    assert zh.bytes == 3 * len(CHINESE) and zh.bytes_per_token == zh.bytes / zh.tokens
    assert ours.lossless and not lossy.lossless and zh.unknown == 0
    [pieces] = ours.sentences
    assert "".join(piece.text for piece in pieces) == sentence
    assert len(pieces) == len(slow.encode(sentence).ids)
    assert any(piece.unknown for piece in lossy.sentences[0])
    shown = "\n".join(lines_of(comparison))
    assert "LOSES TEXT" in shown and "\x1b[31m" in shown


def test_the_table_fits_a_terminal(files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "分词器的文件夹名字很长很长" / "run-0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_text(train([CHINESE, ENGLISH], 300), encoding="utf-8")
    lines = lines_of(compare([str(folder), "wordpiece:300"], texts=files))
    table = [line for line in lines if "%" in line or "tokens/word" in line]
    assert len(table) == 6 and {width(line) for line in table} == {80}
    assert "0123456789abcdef" in table[1]


def test_what_is_no_text_or_no_number_is_said(files: list[str], tmp_path: Path) -> None:
    gb = tmp_path / "gb.txt"
    gb.write_bytes(CHINESE.encode("gb18030"))
    with pytest.raises(HeadwaterError, match=r"gb\.txt: not UTF-8"):
        compare(["bpe:300"], texts=[str(gb)])
    with pytest.raises(HeadwaterError, match=r"gb\.txt: not UTF-8"):
        compare([str(gb)], texts=files)
    with pytest.raises(HeadwaterError, match="bpe:many: expected a count"):
        compare(["bpe:many"], texts=files)
    for kind in ("byte-bpe:300", "bpe:300"):
        with pytest.raises(HeadwaterError, match="the byte 0xc4 at character 1"):
            compare([kind], texts=[*files, "a\udcc4"])


def test_a_tokeniser_of_another_maker(files: list[str], tmp_path: Path) -> None:
    foreign = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "river": 1}, unk_token="[UNK]"))
    foreign.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    foreign.save(str(tmp_path / "theirs.json"))
    [one] = compare([str(tmp_path / "theirs.json")], texts=files).tokenizers
    en = one.languages["en"]
    assert en.tokens - en.unknown == ENGLISH.count("river") and not one.lossless
    with pytest.raises(HeadwaterError, match="no folder that holds"):
        compare(["nothing"], texts=files)
    with pytest.raises(HeadwaterError, match="--recipe"):
        compare(["bpe:300"])


def test_by_the_command_line(files: list[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "sources: [{name: a, kind: files, paths: ['*.txt']}]\nholdout: {share: 0}\n", encoding="utf-8"
    )
    page = tmp_path / "page.html"
    text = "<script>alert('源头')</script>\x1b[31m"
    arguments = [
        "tokenizers",
        "compare",
        "byte-bpe:300",
        "unigram:400",
        "--recipe",
        str(recipe),
        "--text",
        text,
    ]
    result = CliRunner().invoke(cli, [*arguments, "--html", str(page), "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert set(said["tokenizers"][1]["languages"]) == {"en", "zh"}
    html = page.read_text(encoding="utf-8")
    assert "<script>" not in html and "default-src 'none'" in html and "\x1b" not in html
    shown = CliRunner().invoke(cli, arguments)
    assert "\x1b" not in shown.stdout and "tokens/word" in shown.stdout
