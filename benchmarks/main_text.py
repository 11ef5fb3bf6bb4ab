"""Main text: F1 against pages a CPU second, of ours and four public extractors, on the test half of the labelled pages.

    ./run bench main_text [--half test|train] [--repeats 3] [--chart FILE.svg] [--json FILE]

Every extractor runs in one process on one thread, page by page in turn, equally often; a page's time is the median of
its repeats. F1 is the article-extraction-benchmark's (4-grams of words, a Han character being one; means over pages) or,
on trafilatura's own set, over snippets that must and must not be there. Intervals: paired bootstrap over sites, 2,000
draws. `pooled` is the mean of the sets' F1.
"""

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from pages import SETS, Page, f1, matched, pages, snippet_counts, snippet_f1
from peers import ask, data_folder, environment

PEERS = [
    "trafilatura==2.3.1", "readability-lxml==0.8.4.1", "lxml_html_clean", f"resiliparse=={version('resiliparse')}",
    f"numba=={version('numba')}", f"numpy=={version('numpy')}",
]  # fmt: skip
EXTRACTORS = ("ours", "trafilatura fast", "trafilatura precision", "resiliparse", "readability-lxml")
RIVAL = "trafilatura fast"
DRAWS = 2000
HERE = Path(__file__).parent
Scores = list[tuple[float, ...]]


def groups_of(found: list[Page]) -> dict[str, list[int]]:
    """Numbers of pages by row of the table."""
    groups = {kind: [n for n, page in enumerate(found) if page.kind == kind] for kind in SETS}
    for kind in ("magic-article", "magic-forum"):
        groups[f"{kind}, Chinese"] = [n for n in groups[kind] if found[n].chinese]
    return groups


def of_set(kind: str, scores: Scores) -> float:
    return snippet_f1(scores) if kind == "trafilatura-eval" else f1(scores)[0]  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("test", "train"), default="test")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [
        page
        for page in pages(data_folder() / "corpora" / "web-html")
        if page.test == (options.half == "test")
    ]
    question = {
        "pages": [page.html for page in found], "extractors": EXTRACTORS, "repeats": options.repeats,
        "source": str(HERE.parent / "src"),
    }  # fmt: skip
    answer = ask(environment("main_text", PEERS), HERE / "peers" / "main_text_peers.py", question)
    seconds = {
        name: [statistics.median(times) for times in zip(*answer[name]["seconds"], strict=True)]
        for name in EXTRACTORS
    }
    scores: dict[str, Scores] = {
        name: [
            matched(page.truth, text) if page.truth is not None else snippet_counts(page, text)
            for page, text in zip(found, answer[name]["texts"], strict=True)
        ]
        for name in EXTRACTORS
    }
    groups = groups_of(found)
    print(
        f"{len(found)} pages of {len({page.site for page in found})} sites, {options.half} half, {time.strftime('%Y-%m-%d')}"
    )
    table: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for group, numbers in groups.items():
        kind = group.partition(",")[0]
        for name in EXTRACTORS:
            spent = sum(seconds[name][n] for n in numbers)
            value = of_set(kind, [scores[name][n] for n in numbers])
            table[group][name] = {"f1": value, "pages_per_second": len(numbers) / spent}
        print(f"\n{group} ({len(numbers)} pages)")
        for name, row in table[group].items():
            times = row["pages_per_second"] / table[group][RIVAL]["pages_per_second"]
            print(
                f"  {name:<22} F1 {row['f1']:.3f}  {row['pages_per_second']:>7.0f} pages/s  {times:>5.1f} ×"
            )
        low, middle, high = difference(found, scores, {kind: numbers})
        print(f"  ours - {RIVAL}: {middle:+.3f} [{low:+.3f}, {high:+.3f}]")
    low, middle, high = difference(found, scores, {kind: groups[kind] for kind in SETS})
    print(f"\npooled, ours - {RIVAL}: {middle:+.4f} [{low:+.4f}, {high:+.4f}]")
    for name in EXTRACTORS:
        pooled = statistics.fmean(table[kind][name]["f1"] for kind in SETS)
        rate = len(found) / sum(seconds[name])
        table["pooled"][name] = {"f1": pooled, "pages_per_second": rate}
        print(f"  {name:<22} F1 {pooled:.3f}  {rate:>7.0f} pages/s")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    if options.chart:
        draw(table, options.chart)


def difference(
    found: list[Page], scores: dict[str, Scores], groups: dict[str, list[int]]
) -> tuple[float, float, float]:
    """2.5%, the difference itself, 97.5%: ours minus the rival's F1, the mean over the groups; sites are drawn."""
    by_site: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for kind, numbers in groups.items():
        for number in numbers:
            by_site[found[number].site].append((kind, number))
    sites, draw = sorted(by_site), random.Random(0)

    def value(chosen: list[str]) -> float:
        members: dict[str, list[int]] = defaultdict(list)
        for site in chosen:
            for kind, number in by_site[site]:
                members[kind].append(number)
        return statistics.fmean(
            of_set(kind, [scores["ours"][n] for n in numbers])
            - of_set(kind, [scores[RIVAL][n] for n in numbers])
            for kind, numbers in members.items()
        )

    drawn = sorted(value(draw.choices(sites, k=len(sites))) for _ in range(DRAWS))
    return drawn[int(0.025 * DRAWS)], value(sites), drawn[int(0.975 * DRAWS)]


def draw(table: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    """A panel a set: pages a CPU second (log) against F1."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    groups = [group for group in table if group != "pooled"]
    figure, panels = pyplot.subplots(2, 4, figsize=(14, 6.4), sharex=True)
    for panel, group in zip(panels.flat, groups, strict=False):
        for name, row in table[group].items():
            panel.scatter(
                row["pages_per_second"], row["f1"], s=34, color="#c0392b" if name == "ours" else "#34495e"
            )
            panel.annotate(
                name,
                (row["pages_per_second"], row["f1"]),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
            )
        panel.set_xscale("log")
        panel.set_title(group, fontsize=9)
    for panel in panels.flat[len(groups) :]:
        panel.set_visible(False)
    figure.supxlabel("pages a CPU second", fontsize=9)
    figure.supylabel("F1", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
