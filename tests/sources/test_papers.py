"""Papers as they come: one .tex, packed ones, a paper's archive, archives of papers, arXiv's bulk archives."""

import gzip
import io
import json
import random
import tarfile
import zipfile

import pytest

from headwater.sources import papers

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。"
BODY = "\\documentclass{article}\\title{Of Rivers}\\author{A. Writer}\\begin{document}\\maketitle\n%s\n\\end{document}\n"


def paper(text: str) -> bytes:
    return (BODY % text).encode()


def tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def test_a_single_file_is_one_paper(tmp_path, read):
    path = tmp_path / "1707.08043.tex"
    path.write_bytes(paper(CHINESE))
    [document] = read(path, kind="papers").documents
    assert document["text"] == f"# Of Rivers\n\n{CHINESE}"
    assert document["title"] == "Of Rivers" and document["locator"] == "1707.08043.tex#0"
    assert document["url"] == "https://arxiv.org/abs/1707.08043" and document["date"] == "2017-07"
    assert json.loads(document["meta"])["format"] == "latex"
    assert document["unit"] == document["id"]


@pytest.mark.parametrize("suffix", ["tex.gz", "gz", "tex.zst", "tex.bz2"])
def test_a_packed_file_is_the_same_paper(tmp_path, read, suffix):
    import bz2

    import zstandard

    pack = {"gz": gzip.compress, "zst": zstandard.compress, "bz2": bz2.compress}[suffix.rpartition(".")[2]]
    path = tmp_path / f"paper.{suffix}"
    path.write_bytes(pack(paper(CHINESE)))
    assert read(path, kind="papers").texts == [f"# Of Rivers\n\n{CHINESE}"]


SOURCES = {
    "sections/intro.tex": b"\\section{Start}\nFirst \\input{./sections/deep} \\input{nowhere}",
    "sections/deep.tex": b"deep \\input{main} \\input{sections/intro} \\mine{}",
    "mymacros.sty": b"\\newcommand{\\mine}{from a style file}",
    "figures/plot.pdf": b"%PDF-1.4 a figure",
    "main.bbl": b"\\begin{thebibliography}{9}\\bibitem{a} A. Title.\\end{thebibliography}",
    "main.tex": b"\\documentclass{article}\\usepackage{mymacros}\\title{T}\\begin{document}\n\\include{sections/intro}\n"
    b"\\input{main.bbl} last\n\\end{document}",
}


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tgz", "zip", "e-print", "packed"])
def test_a_papers_archive_is_one_paper_with_its_files_read_into_it(tmp_path, read, kind):
    path = tmp_path / {"e-print": "1707.08043v2", "packed": "1707.08043.gz"}.get(kind, f"paper.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in SOURCES.items():
                archive.writestr(name, data)
    else:
        path.write_bytes(tar(SOURCES, "w" if kind == "tar" else "w:gz"))
    shard = read(path, kind="papers")
    assert shard.texts == ["# T\n\n## Start\n\nFirst deep from a style file\n\nlast"]
    assert shard.account["read"] == 1 and not shard.quarantine
    meta = json.loads(shard.documents[0]["meta"])
    assert meta["inputs"] == ["mymacros.sty", "sections/intro.tex", "sections/deep.tex"]
    assert "nowhere" in meta["missing_inputs"]


def bulk() -> dict[str, bytes]:
    return {
        "1707/1707.00001.gz": gzip.compress(paper(f"One. {CHINESE}")),
        "1707/1707.00002.gz": gzip.compress(tar(SOURCES)),
        "1707/hep-th9901001.gz": gzip.compress(
            b"\\magnification 1200 \\centerline{Plain} Old \\TeX.\\bye rest"
        ),
        "1707/1707.00003.gz": gzip.compress(b"%auto-ignore\nThis paper has been withdrawn."),
        "1707/1707.00004.gz": gzip.compress(b"%!PS-Adobe-2.0\n..."),
        "1707/1707.00005.gz": gzip.compress(tar({"fig.png": b"\x89PNG"})),
        "1707/1707.00006.gz": gzip.compress(paper(""))[:40],
        "1707/1707.00007.gz": gzip.compress(b"\0\1\2 no text"),
        "1707/1707.00008.pdf": b"%PDF-1.4 broken",
        "1707/notes.html": b"<p>no paper</p>",
    }


def test_arxivs_bulk_archive_is_a_paper_a_member(tmp_path, read):
    path = tmp_path / "arXiv_src_1707_001.tar"
    path.write_bytes(tar(bulk()))
    shard = read(path, kind="papers")
    texts = {document["locator"].partition("#")[2]: document["text"] for document in shard.documents}
    assert texts == {
        "1707/1707.00001.gz": f"# Of Rivers\n\nOne. {CHINESE}",
        "1707/1707.00002.gz": "# T\n\n## Start\n\nFirst deep from a style file\n\nlast",
        "1707/hep-th9901001.gz": "Plain Old TeX.",
    }
    by_place = {document["locator"].partition("#")[2]: document for document in shard.documents}
    assert by_place["1707/hep-th9901001.gz"]["url"] == "https://arxiv.org/abs/hep-th/9901001"
    assert by_place["1707/hep-th9901001.gz"]["date"] == "1999-01"
    assert by_place["1707/1707.00002.gz"]["source_id"] == "1707.00002"
    assert shard.account["gated"] == {"withdrawn": 1, "postscript": 1, "no_source": 1, "not_wanted": 1}
    assert shard.account["quarantined"] == {"unreadable_tail": 1, "not_a_paper": 1, "damaged_pdf": 1}


def test_folders_of_an_archive_are_papers_and_a_second_main_file_is_named(tmp_path, read):
    path = tmp_path / "papers.tar.gz"
    files = {f"{name}/main.tex": paper(f"Paper {name}.") for name in ("a", "b", "c")}
    files |= {
        "a/supplement.tex": paper("S"),
        "b/sub/figure.tex": b"\\documentclass{standalone}\\begin{document}x",
    }
    path.write_bytes(tar(files, "w:gz"))
    shard = read(path, kind="papers")
    assert sorted(shard.texts) == [f"# Of Rivers\n\nPaper {name}." for name in ("a", "b", "c")]
    assert shard.account["gated"] == {"other_main": 1}


def test_arxivs_readme_says_which_file_is_the_main_one(tmp_path, read):
    files = {"main.tex": paper("wrong " * 50), "zz.tex": paper("right")}
    for readme in (
        {"00README.XXX": b"zz.tex toplevelfile\nmain.tex ignore\n"},
        {"00README.json": json.dumps({"sources": [{"filename": "zz.tex", "usage": "toplevel"}]}).encode()},
    ):
        path = tmp_path / "p.tar"
        path.write_bytes(tar({**files, **readme}))
        assert read(path, kind="papers").texts == ["# Of Rivers\n\nright"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1707.08043.tar.gz", "1707.08043"), ("1501.00001v3.pdf", "1501.00001"), ("0704.0001.gz", "0704.0001"),
        ("hep-th9901001.gz", "hep-th/9901001"), ("math.AG_0301001.tex", "math.AG/0301001"), ("1799.12345.tex", None),
        ("paper-2023.pdf", None), ("20170843.pdf", None), ("nonsense0301001.gz", None), ("arXiv_src_1707_001.tar", None),
    ],
)  # fmt: skip
def test_identifiers_in_file_names(name, expected):
    assert papers.arxiv_id(name) == expected


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("encoding", "declared", "text"),
    [
        ("gb18030", "\\usepackage{ctex}", CHINESE), ("gb18030", "\\begin{CJK*}{GBK}{song}", CHINESE),
        ("big5", "\\begin{CJK}{Bg5}{bsmi}", TRADITIONAL), ("cp1252", "\\usepackage[latin1]{inputenc}", "Straße à côté"),
        ("koi8-r", "\\usepackage[koi8-r]{inputenc}", "Река поднялась ночью."), ("utf-8-sig", "", CHINESE),
        ("cp1252", "", "Hauptstraße " + "and much plain text around it, " * 30), ("utf-16", "", CHINESE),
    ],
)  # fmt: skip
def test_old_encodings_are_read_as_declared_or_guessed(tmp_path, read, encoding, declared, text):
    source = BODY.replace(
        "\\begin{document}", f"{declared if 'begin' not in declared else ''}\\begin{{document}}"
    )
    body = f"{declared}\n{text}" if "begin" in declared else text
    path = tmp_path / "p.tex"
    path.write_bytes((source % body).encode(encoding))
    [found] = read(path, kind="papers").texts
    assert found == f"# Of Rivers\n\n{text.strip()}"


def test_a_chapter_in_gbk_follows_what_the_main_file_declares(tmp_path, read):
    main = "\\documentclass{article}\\usepackage[gbk]{inputenc}\\begin{document}\\input{one}\\end{document}"
    path = tmp_path / "p.tar"
    path.write_bytes(tar({"main.tex": main.encode(), "one.tex": CHINESE.encode("gbk")}))
    assert read(path, kind="papers").texts == [CHINESE]


def test_chinese_papers_have_no_stray_spaces(tmp_path, read):
    path = tmp_path / "p.tex"
    path.write_text(
        "\\documentclass[UTF8]{ctexart}\n\\title{论河水}\\author{鲁迅\\and 周作人}\n\\begin{document}\n\\maketitle\n"
        "\\begin{abstract}\n摘要在此。\n\\end{abstract}\n\\section{引言}\n河水在夜里\n涨了起来，\n月光很好。"
        "设 $x$ 为深度，\n使用 Transformer 模型。\n\\begin{itemize}\\item 一；\\item 二。\\end{itemize}\n\\end{document}",
        encoding="utf-8",
    )
    [document] = read(path, kind="papers").documents
    assert document["text"] == (
        "# 论河水\n\n## Abstract\n\n摘要在此。\n\n## 引言\n\n河水在夜里涨了起来，月光很好。"
        "设 $x$ 为深度，使用 Transformer 模型。\n\n- 一；\n- 二。"
    )
    assert document["language_declared"] == "zh" and document["title"] == "论河水"


# ---------------------------------------------------------------- faults


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(10))
@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_archive_keeps_what_stands_before(tmp_path, read, tenth, packed):
    rng = random.Random(0)
    texts = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(900)) for _ in range(20)]
    inner = {f"1707/1707.{n:05}.gz": gzip.compress(paper(text)) for n, text in enumerate(texts)}
    whole = gzip.compress(tar(inner), mtime=0) if packed else tar(inner)
    path = tmp_path / ("arXiv_src.tar.gz" if packed else "arXiv_src.tar")
    path.write_bytes(whole[: len(whole) * tenth // 10])
    shard = read(path, kind="papers")
    found = [text.partition("\n\n")[2] for text in shard.texts]
    assert found == texts[: len(found)] and len(found) >= 2 * tenth - 4
    assert sum(shard.account["quarantined"].values()) <= 2  # the member, and the tail


@pytest.mark.fault(13)
def test_a_flipped_byte_costs_one_paper_of_a_bulk_archive(tmp_path, read):
    rng = random.Random(3)
    texts = ["".join(rng.choices("etaoin shrdlu", k=2000)) for _ in range(20)]
    members = {f"1707/1707.{n:05}.gz": gzip.compress(paper(text)) for n, text in enumerate(texts)}
    whole = tar(members)
    path = tmp_path / "arXiv_src.tar"
    for number in range(20):
        place = whole.index(members[f"1707/1707.{number:05}.gz"]) + 30 + rng.randrange(900)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        account = read(path, kind="papers").account
        assert account["documents"] >= 19 and account["read"] <= 21


@pytest.mark.fault(14)
@pytest.mark.parametrize("name", ["p.tex", "p.tex.gz", "p.tar", "p.tar.gz", "p.zip", "p.pdf"])
@pytest.mark.parametrize("data", [b"", b" \n", b"\0" * 2000, b"garbage " * 100])
def test_empty_files_and_garbage_are_named(tmp_path, read, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    account = read(path, kind="papers").account
    assert account["documents"] == (1 if name == "p.tex" and data.startswith(b"garbage") else 0)
    assert (
        sum(account["quarantined"].values()) + sum(account["gated"].values()) + account["documents"] <= 2
    )  # the member, and the tail


def test_what_leads_out_of_an_archive_is_refused(tmp_path, read):
    path = tmp_path / "p.tar"
    files = {
        "../evil.tex": paper("evil"),
        "/etc/evil.tex": paper("evil"),
        "main.tex": paper("\\input{../../../etc/passwd}ok"),
    }
    path.write_bytes(tar(files))
    shard = read(path, kind="papers")
    assert shard.texts == ["# Of Rivers\n\nok"]
    assert shard.account["quarantined"] == {"archive_path": 2}


@pytest.mark.fault(22)
def test_bombs_in_archives_are_stopped(tmp_path, read, monkeypatch):
    monkeypatch.setattr(papers, "MAX_PAPER", 1 << 20)
    monkeypatch.setattr(papers, "MAX_TEX", 1 << 18)
    spaces = gzip.compress(b" " * (8 << 20))
    path = tmp_path / "arXiv_src.tar"
    path.write_bytes(
        tar(
            {
                "1707.00001.gz": spaces,
                "1707.00002.gz": gzip.compress(paper("x" * (1 << 19))),
                "1707.00003.gz": gzip.compress(paper("ok")),
            }
        )
    )
    shard = read(path, kind="papers")
    assert shard.texts == ["# Of Rivers\n\nok"] and shard.account["quarantined"] == {"too_large": 2}
    path = tmp_path / "p.tex.gz"
    path.write_bytes(spaces)
    assert read(path, kind="papers").account["quarantined"] == {"too_large": 1}


@pytest.mark.fault(29)
def test_members_of_one_name_have_ids_of_their_own(tmp_path, read):
    path = tmp_path / "arXiv_src.tar"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for text in ("one", "two"):
            data = gzip.compress(paper(text))
            entry = tarfile.TarInfo("1707/1707.00001.gz")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    path.write_bytes(out.getvalue())
    shard = read(path, kind="papers")
    assert len({document["id"] for document in shard.documents}) == 2
    assert all(document["url"].endswith("1707.00001") for document in shard.documents)


def test_real_papers(real_data, read):
    folder = real_data / "corpora" / "papers"
    [one] = read(folder / "latex-cleaner-testdata.zip", kind="papers").texts
    assert "Expect me (iftrue block)!" in one and "gone" not in one and "ignored" not in one
    for name, words in (
        (
            "1707.08043",
            [
                "# ON POSITIVE-CHARACTERISTIC",
                "03C20, 03C98",
                "Definition 1.1. Let $R$ be a finitely generated $k$-algebra.",
            ],
        ),
        ("1708.00137", ["# Causation does not explain contextuality", "In section 1 we present"]),
    ):
        [document] = read(folder / "arxiv-latex" / name / "main.tex", kind="papers").documents
        assert document["title"]
        for word in words:
            assert word in document["text"]


@pytest.mark.fault(20)
@pytest.mark.parametrize("name", ["p.tex", "p.pdf", "p"])
def test_a_paper_of_gigabytes_is_named_and_not_held(tmp_path, read, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n" if name == "p.pdf" else b"\\documentclass{article}\\begin{document}")
        file.seek(1 << 30)  # sparse
        file.write(b"end")
    assert read(path, kind="papers").account["quarantined"] == {"too_large": 1}


@pytest.mark.fault(28)
def test_a_thousand_tiny_papers_in_one_archive(tmp_path, read):
    path = tmp_path / "papers.tar.gz"
    path.write_bytes(tar({f"{n}/p.tex": paper(f"第{n}篇。") for n in range(1000)}, "w:gz"))
    shard = read(path, kind="papers")
    assert len({document["id"] for document in shard.documents}) == 1000 and shard.account["read"] == 1000


def test_class_and_style_files_beside_a_paper_are_none(tmp_path, read):
    (tmp_path / "main.tex").write_text(
        "\\documentclass{q}\\begin{document}河水。\\end{document}", encoding="utf-8"
    )
    for name in ("q.cls", "q.sty", "refs.bib", "q.cls.gz"):
        data = b"\\ProvidesClass{q}\\def\\x{y} text of options"
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    shard = read(*sorted(tmp_path.glob("*.*")), kind="papers")
    assert shard.texts == ["河水。"]
    assert [file["gated"] for name, file in shard.files.items() if name != "main.tex"] == [
        {"no_source": 1}
    ] * 4
