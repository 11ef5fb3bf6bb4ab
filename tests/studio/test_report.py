"""The report is one file that needs nothing, says all it should, and is moved by no document."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import fabricated
import pytest
import small_workspace

from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError
from headwater.studio.report import report

SECTIONS = {
    "verdict", "effect", "domains", "arms", "training", "matrix", "rung", "funnel", "reasons", "reading", "inference",
    "repeat", "limits",
}  # fmt: skip


class _Page(HTMLParser):
    """Tags with their attributes, headings' ids, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def headings(self) -> set[str]:
        return {values["id"] or "" for tag, values in self.tags if tag in ("h1", "h2") and "id" in values}


def _report(workspace: Workspace, folder: Path, hostile: str = "", language: str = "en") -> str:
    path = folder / "comparison.json"
    path.write_text(json.dumps(fabricated.comparison(hostile=hostile)), encoding="utf-8")
    return report(workspace, folder / "report.html", path, language=language).read_text(encoding="utf-8")


def test_every_section_is_there_in_both_languages(workspace: Workspace, tmp_path: Path) -> None:
    html = _report(workspace, tmp_path)
    page = _Page(html)
    assert page.headings == SECTIONS
    english = re.findall(r'<span class="en" lang="en">', html)
    assert len(english) > 60 and len(english) == len(re.findall(r'<span class="zh" lang="zh-Hans">', html))
    for said in (
        "curated helps",
        "curated 有益",
        "−3.4%",
        "先生",
        "登录",
        "≤ 0.3",
        "headwater compare raw.yaml",
    ):
        assert said in page.text
    assert any(tag == "mark" for tag, _ in page.tags)


def test_the_language_is_chosen_without_a_script(workspace: Workspace, tmp_path: Path) -> None:
    for language, tag in (("en", "en"), ("zh", "zh-Hans")):
        page = _Page(_report(workspace, tmp_path, language=language))
        assert ("html", {"lang": tag}) in page.tags
        [chosen] = [v["id"] for t, v in page.tags if t == "input" and "checked" in v]
        assert chosen == f"lang-{language}"


def test_nothing_in_the_file_can_run_or_load(workspace: Workspace, tmp_path: Path) -> None:
    html = _report(workspace, tmp_path, hostile=small_workspace.HOSTILE)
    page = _Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "a", "form", "base"}
    )
    for _, attributes in page.tags:
        assert not {"src", "href", "style", "srcset"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    [policy] = [v["content"] for t, v in page.tags if v.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "\x1b" not in html and "\u202e" not in html and "␛[2J⟨U+202E⟩" in page.text
    assert '<script>document.title="ran"</script>' in page.text  # seen as text


def test_the_same_workspace_gives_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    assert _report(workspace, tmp_path) == _report(workspace, tmp_path)


def test_a_recipe_alone_has_the_sections_that_apply(workspace: Workspace, tmp_path: Path) -> None:
    html = report(workspace, tmp_path / "deep" / "report.html", recipe="curated").read_text(encoding="utf-8")
    assert _Page(html).headings == {"verdict", "funnel", "reasons", "reading"}
    assert "Of 28 documents, 20 are in the training set" in re.sub("<[^>]+>", "", html)


def test_a_ledger_that_is_older_than_its_documents_is_said(workspace: Workspace, tmp_path: Path) -> None:
    def page() -> str:
        return report(workspace, tmp_path / "r.html", recipe="curated").read_text(encoding="utf-8")

    assert "older than its documents" not in page()
    snapshot = workspace.path / "recipes" / "curated.json"
    record = json.loads(snapshot.read_text(encoding="utf-8"))
    snapshot.write_text(json.dumps({**record, "key": "of other documents"}), encoding="utf-8")
    said = page()
    assert "older than its documents" in said and "台账比文档旧" in said
    assert 'class="funnel"' not in said


def test_a_verdict_without_numbers_is_shown(workspace: Workspace, tmp_path: Path) -> None:
    result = fabricated.comparison()
    result["labels"] = ["weak proxy", "on these texts"]
    result["proxy"]["beats_ngram"] = False
    result["candidates"][0] |= {"verdict": "not measurable", "smallest_visible": None, "interval": None, "interval90": None,
                                "p": None, "p_holm": None, "df": None, "probability_better": None, "seeds_needed": 14,
                                "ngram_percent": None}  # fmt: skip
    for row in result["candidates"][0]["domains"]:
        row["interval"] = None
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(result), encoding="utf-8")
    text = _Page(report(workspace, tmp_path / "report.html", path).read_text(encoding="utf-8")).text
    for said in (
        "not measurable",
        "无法测量",
        "weak proxy",
        "代理模型偏弱",
        "仅就这些文本而言",
        "seeds that would decide",
    ):
        assert said in text


def test_the_newest_comparison_is_found(workspace: Workspace, tmp_path: Path) -> None:
    folder = workspace.path / "comparisons" / "5f0c"
    folder.mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(fabricated.comparison()), encoding="utf-8")
    html = report(workspace, tmp_path / "report.html").read_text(encoding="utf-8")
    assert _Page(html).headings == SECTIONS


def test_what_cannot_be_shown_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="no comparison"):
        report(workspace, tmp_path / "report.html", other)
    with pytest.raises(HeadwaterError, match="no recipe 'raw'"):
        report(workspace, tmp_path / "report.html", recipe="raw")
    with pytest.raises(HeadwaterError, match="no language"):
        report(workspace, tmp_path / "report.html", language="fr")


def test_a_race_names_the_level_of_each_interval_and_several_candidates_are_told_apart(
    workspace: Workspace, tmp_path: Path
) -> None:
    result = fabricated.comparison()
    path = tmp_path / "comparison.json"

    def text() -> str:
        path.write_text(json.dumps(result), encoding="utf-8")
        return _Page(report(workspace, tmp_path / "report.html", path).read_text(encoding="utf-8")).text

    assert "and agrees" in text()
    [one] = result["candidates"]
    other = {**one, "arm": "其他", "level": 0.99, "verdict": "cannot tell"}
    result["candidates"] = [one | {"level": 0.975}, other]
    result["arms"].append({**result["arms"][1], "name": "其他"})
    result["sentence"] = {language: f"{said}\n{said}" for language, said in result["sentence"].items()}
    html = text()
    assert "Line: 97.5%–99% interval" in html
    assert "curated: −2.4%, 97.5% [" in html and "其他: −2.4%, 99% [" in html
    assert "97.5% interval" in html and "99% interval" in html, "of the domains too"
    figures = html[html.index("more bits: worse") : html.index("Domain by domain")]
    assert figures.index("curated") < figures.index("其他"), "the figures of an arm are under its name"
    assert "The 5-gram sees −4.7% for 其他." in html, (
        "what cannot be told is neither agreed nor disagreed with"
    )
