"""Data sets in archives: CoLA and RTE as they are published, and archives that would do harm."""

import zipfile
from collections import Counter
from pathlib import Path

import pytest

from headwater.errors import RecipeError
from headwater.pipeline.finetune import task_of

ROWS = "".join(
    f"gj04\t{n % 2}\t{'' if n % 2 else '*'}\t第{n}句：他把书放在桌上。He put it there, {n}.\n"
    for n in range(40)
)
PAIRS = "".join(
    f'<pair id="{n}" value="{("TRUE", "FALSE")[n % 2]}" task="IR">\n <t>第{n}条&amp;前提 A &lt; B.</t>\n <h>假设 {n}</h>\n</pair>\n'
    for n in range(30)
)
XML = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE entailment-corpus SYSTEM "rte.dtd">\n<entailment-corpus>\n{PAIRS}</entailment-corpus>\n'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def zipped(path: Path, files: dict[str, str | bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def test_cola_is_read_from_the_folder_that_is_named(tmp_path: Path, cache: Path) -> None:
    splits = {
        "in_domain_train.tsv": ROWS,
        "in_domain_dev.tsv": ROWS.replace("第", "验第"),
        "out_of_domain_dev.tsv": ROWS.replace("第", "测第"),
    }
    files = {f"cola/{kind}/{name}": text for kind in ("raw", "tokenized") for name, text in splits.items()}
    place = zipped(tmp_path / "cola.zip", {**files, "cola/README": "…", "__MACOSX/cola/._x.tsv": "x"})
    with pytest.raises(RecipeError, match=r"several folders \(cola/raw, cola/tokenized\); name one"):
        task_of(place)
    task = task_of(f"{place}/cola/raw")
    assert (task.name, task.kind, task.labels) == ("cola", "classification", ("0", "1"))
    assert task.splits["train"][3].texts[0] == "第3句：他把书放在桌上。He put it there, 3."
    assert [len(task.splits[split]) for split in ("train", "validation", "test")] == [40, 40, 40]
    assert len(list(cache.rglob("*.tsv"))) == 6 and not list(cache.rglob("*.tmp"))
    with pytest.raises(RecipeError, match="has no folder nothing"):
        task_of(f"{place}/nothing")


def test_rte_is_read_with_the_labels_of_all_its_years(tmp_path: Path) -> None:
    other = XML.replace('value="TRUE"', 'entailment="YES"').replace('value="FALSE"', 'entailment="NO"')
    files = {
        "rte/rte1_dev.xml": XML,
        "rte/rte2_dev.xml": other.replace("第", "二"),
        "rte/rte1_test.xml": XML.replace("第", "测"),
    }
    task = task_of(zipped(tmp_path / "rte.zip", files))
    assert (task.kind, task.labels) == ("classification", ("NO", "YES"))
    assert task.splits["test"][1].texts == ("测1条&前提 A < B.", "假设 1")
    assert sum(len(task.splits[split]) for split in ("train", "validation")) == 60
    assert any("validation is a tenth of train" in note for note in task.notes)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../train.tsv": ROWS}, "archive_path"),
        ({"train.tsv": b"0" * (80 << 20)}, "bomb"),
        ({"train.xml": '<!DOCTYPE a [<!ENTITY x "xx">]><a>&x;</a>'}, "declares the entity x"),
        ({"train.xml": XML[: len(XML) // 2]}, "not whole XML"),
        ({"README": "…"}, "holds no file of a data set"),
    ],
)
def test_what_would_do_harm_is_one_clear_line(
    tmp_path: Path, files: dict[str, str | bytes], said: str, cache: Path
) -> None:
    with pytest.raises(RecipeError, match=said) as error:
        task_of(zipped(tmp_path / "坏.zip", files))
    assert "\n" not in str(error.value)
    assert not list(cache.rglob("*.tsv")), "nothing is left"


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    place = Path(zipped(tmp_path / "一.zip", {"train.tsv": ROWS, "test.tsv": ROWS.replace("第", "测")}))
    place.write_bytes(place.read_bytes()[:400])
    with pytest.raises(RecipeError, match=r"unreadable_tail|damaged_member"):
        task_of(str(place))


def test_the_published_archives(real_data: Path) -> None:
    cola = task_of(str(real_data / "datasets" / "acceptability" / "cola_public.zip" / "cola_public" / "raw"))
    assert {split: len(some) for split, some in cola.splits.items()} == {
        "train": 8551,
        "validation": 527,
        "test": 516,
    }
    assert cola.labels == ("0", "1") and cola.splits["train"][0].texts[0].startswith("Our friends won't buy")
    assert all(" " in item.texts[0] for some in cola.splits.values() for item in some), (
        "a sentence, not its code"
    )
    rte = task_of(str(real_data / "datasets" / "nli" / "rte.zip"))
    assert len(rte.splits["test"]) == 2400 and set(rte.labels) == {"YES", "NO"}
    assert Counter(item.target for item in rte.splits["test"]) == {"YES": 1210, "NO": 1190}
