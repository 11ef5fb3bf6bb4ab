"""PDF to text: reading order, paragraphs across columns and pages, what is cut, and files made to hurt."""

import io
import random
import re
import zlib
from functools import cache

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from headwater.sources.extract import pdf as engine
from headwater.sources.extract.pdf import PdfError, pdf_text

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
# Widths of Helvetica's letters would do; a fixed pitch is simpler: Courier's are all 0.6 of the size.
PITCH = 0.6


class Pdf:
    """A PDF written by hand: text at places, in Courier or (Chinese) in a font of boxes."""

    def __init__(self, width: int = 612, height: int = 792) -> None:
        self.width, self.height = width, height
        self.pages: list[list[str]] = [[]]

    def page(self) -> "Pdf":
        self.pages.append([])
        return self

    def at(self, x: float, y: float, text: str, size: float = 10, turned: bool = False) -> "Pdf":
        matrix = f"0 1 -1 0 {x} {y}" if turned else f"1 0 0 1 {x} {y}"
        if text.isascii():
            shown = "(" + re.sub(r"([\\()])", r"\\\1", text) + ")"
            font = "F1"
        else:
            shown, font = "<" + text.encode("utf-16-be").hex() + ">", "F2"
        self.pages[-1].append(f"BT /{font} {size} Tf {matrix} Tm {shown} Tj ET")
        return self

    def column(self, x: float, y: float, lines: list[str], size: float = 10, step: float = 12) -> "Pdf":
        for number, line in enumerate(lines):
            self.at(x, y - number * step, line, size)
        return self

    def bytes(
        self, *, catalog: str = "", contents: list[bytes] | None = None, filters: str = "/FlateDecode"
    ) -> bytes:
        streams = contents or [zlib.compress("\n".join(page).encode()) for page in self.pages]
        kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(streams)))
        objects = [
            f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
            f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>".encode(),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Boxes /Encoding /Identity-H /DescendantFonts [5 0 R] "
            b"/ToUnicode %d 0 R >>" % (len(streams) * 2 + 6),
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Boxes /DW 1000 /CIDToGIDMap %d 0 R /FontDescriptor %d 0 R "
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>"
            % (len(streams) * 2 + 7, len(streams) * 2 + 8),
        ]
        for number, stream in enumerate(streams):
            objects.append(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {self.width} {self.height}] /Contents {7 + 2 * number} 0 R "
                "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
            )
            objects.append(
                f"<< /Length {len(stream)} /Filter {filters} >>\nstream\n".encode() + stream + b"\nendstream"
            )
        objects += _boxes(len(objects) + 4)
        out, places = b"%PDF-1.7\n", []
        for number, body in enumerate(objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
        return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()


@cache
def _box_font() -> bytes:
    """TrueType with one box: what a machine has for a font that is not embedded would decide what is read."""
    pen = TTGlyphPen(None)
    for step, place in enumerate([(50, 0), (50, 700), (950, 700), (950, 0)]):
        (pen.lineTo if step else pen.moveTo)(place)
    pen.closePath()
    font = FontBuilder(1000)
    font.setupGlyphOrder([".notdef", "box"])
    font.setupCharacterMap({0x6C34: "box"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "box": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "box": (1000, 50)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    made = io.BytesIO()
    font.save(made)
    return made.getvalue()


def _boxes(descriptor_file: int) -> list[bytes]:
    """The four objects of the font: to Unicode, glyphs, descriptor, file. Codes are UTF-16."""
    ranges = "".join(f"<{high:02x}00> <{high:02x}ff> <{high:02x}00>\n" for high in range(256))
    unicode = (
        "/CIDInit /ProcSet findresource begin begincmap /CMapName /U def 1 begincodespacerange <0000> <ffff> "
        f"endcodespacerange 256 beginbfrange\n{ranges}endbfrange endcmap end"
    )
    return [
        _stream(unicode.encode()),
        _stream(b"\0\1" * 65536),
        b"<< /Type /FontDescriptor /FontName /Boxes /Flags 4 /FontBBox [0 -200 1000 800] /Ascent 800 /Descent -200 "
        b"/ItalicAngle 0 /CapHeight 700 /StemV 80 /FontFile2 %d 0 R >>" % descriptor_file,
        _stream(_box_font()),
    ]


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data)
    return (
        b"<< /Length %d /Filter /FlateDecode /Length1 %d >>\nstream\n" % (len(packed), len(data))
        + packed
        + b"\nendstream"
    )


def text(pdf: Pdf) -> str:
    return pdf_text(pdf.bytes(), 100).text


def wrapped(words: str, width: int) -> list[str]:
    """Lines of at most `width` characters, or of exactly so many where it is Chinese."""
    if not words.isascii():
        return [words[place : place + width] for place in range(0, len(words), width)]
    lines, line = list[str](), ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def prose(seed: int, words: int) -> str:
    """Sentences of made words, each word once, so that any disorder shows."""
    rng = random.Random(seed)
    made = ["".join(rng.choices("abcdefghilmnoprstu", k=rng.randint(3, 9))) for _ in range(words)]
    return " ".join(made).capitalize() + "."


def in_columns(lines: list[str], rows: int, *, by_row: bool, size: float = 10, gutter: float = 318) -> Pdf:
    """Lines flowing through two columns a page. `by_row`: written row by row across both, as some producers do."""
    pdf = Pdf()
    for first in range(0, len(lines), 2 * rows):
        if first:
            pdf.page()
        left, right = lines[first : first + rows], lines[first + rows : first + 2 * rows]
        if by_row:
            for number in range(rows):
                for x, column in ((54, left), (gutter, right)):
                    if number < len(column):
                        pdf.at(x, 700 - 12 * number, column[number], size)
        else:
            pdf.column(54, 700, left, size).column(gutter, 700, right, size)
    return pdf


@pytest.mark.parametrize("by_row", [False, True])
def test_two_columns_are_read_one_after_the_other_across_pages(by_row):
    words = prose(1, 900)
    found = text(in_columns(wrapped(words, 40), 40, by_row=by_row))
    assert found == words


@pytest.mark.parametrize("by_row", [False, True])
def test_two_columns_of_chinese(by_row):
    rng = random.Random(2)
    words = "".join("，" if n % 17 == 16 else chr(rng.randrange(0x4E00, 0x9000)) for n in range(3000)) + "。"
    found = text(in_columns(wrapped(words, 24), 45, by_row=by_row))
    assert found == words


def test_chinese_and_english_in_one_line():
    pdf = Pdf().at(72, 700, "我们使用").at(72 + 42, 700, "BERT").at(72 + 42 + 26, 700, "模型，效果很好。")
    assert text(pdf) in ("我们使用 BERT 模型，效果很好。", "我们使用BERT模型，效果很好。")
    spread = Pdf()
    for number, character in enumerate("河水在夜里涨了起来，月光很好。"):
        spread.at(72 + 14 * number, 700, character)  # justified: a gap after each
    assert text(spread) == "河水在夜里涨了起来，月光很好。"


def test_a_title_and_a_wide_caption_part_the_columns():
    title, above, below = "A Title That Goes Over Both Columns Of The Page", prose(3, 200), prose(4, 200)
    caption = "Figure 1: A caption that is wide enough to go over both of the columns of this page."
    pdf = Pdf().at(90, 740, title, 14)
    one, two = wrapped(above, 40), wrapped(below, 40)
    half = (len(one) + 1) // 2
    pdf.column(54, 700, one[:half]).column(318, 700, one[half:])
    y = 700 - 12 * half - 30
    pdf.at(60, y, caption)
    half = (len(two) + 1) // 2
    pdf.column(54, y - 40, two[:half]).column(318, y - 40, two[half:])
    assert text(pdf).split("\n\n") == [title, above, caption, below]
    assert pdf_text(pdf.bytes(), 9).title == title


def test_three_columns():
    words = prose(5, 300)
    lines = wrapped(words, 26)
    rows = (len(lines) + 2) // 3
    pdf = Pdf()
    for number in range(3):
        pdf.column(50 + 180 * number, 700, lines[number * rows : (number + 1) * rows])
    assert text(pdf) == words


def test_a_table_in_one_column_is_read_by_rows():
    rows = [("alpha", "0.91", "0.88"), ("beta", "0.72", "0.69"), ("gamma", "0.55", "0.51")]
    pdf = Pdf().column(54, 740, wrapped(prose(6, 80), 80))
    for number, row in enumerate(rows * 3):
        for place, cell in enumerate(row):
            pdf.at(80 + 180 * place, 560 - 14 * number, cell)
    found = text(pdf)
    assert (
        found.index("alpha")
        < found.index("0.91")
        < found.index("0.88")
        < found.index("beta")
        < found.index("0.72")
    )


def test_hyphens_are_mended_as_the_document_writes_the_word():
    lines = ["The self-made method is well-known and the impor-", "tant result of our self-", "made work is a non-", "trivial one, as inter-", "national as the mother-in-"]  # fmt: skip
    pdf = Pdf().column(54, 700, [*lines, "law."])
    found = text(pdf)
    assert "the important result of our self-made work" in found and "international" in found
    ligatures = Pdf().at(54, 700, "\ufb01eld 的 \ufb02ow")
    assert "\ufb01" not in text(ligatures)


def test_running_heads_and_page_numbers_are_cut():
    pdf = Pdf()
    words = prose(7, 600)
    lines = wrapped(words, 80)
    for first in range(0, len(lines), 20):
        if first:
            pdf.page()
        pdf.at(54, 760, f"Journal of Rivers, Vol. 3 ({first})").at(300, 40, str(first // 20 + 1))
        pdf.column(54, 700, lines[first : first + 20])
    assert text(pdf) == words
    single = Pdf().column(54, 700, wrapped(prose(8, 60), 80)).at(280, 40, "- 17 -")
    assert "17" not in text(single)
    chinese = Pdf().column(54, 700, [CHINESE]).at(280, 40, "第3页")
    assert text(chinese) == CHINESE


def test_a_footnote_comes_after_the_paragraph_that_it_interrupts():
    lines = wrapped(prose(9, 220), 40)
    half = len(lines) // 2
    pdf = Pdf().column(54, 700, lines[:half]).column(318, 700, lines[half:])
    pdf.column(54, 700 - 12 * half - 20, ["* A note at the foot of the column."], 7)
    note, body = text(pdf).split("\n\n")[1], text(pdf).split("\n\n")[0]
    assert body == " ".join(lines) and note.startswith("* A note")


def test_paragraphs_are_told_by_indents_and_gaps():
    one, two, three = prose(10, 60), prose(11, 60), prose(12, 60)
    pdf, y = Pdf(), 740.0
    for words, indent, gap in ((one, 0, 0), (two, 18, 0), (three, 0, 14)):
        y -= gap
        for number, line in enumerate(wrapped(words, 80)):
            pdf.at(54 + (indent if not number else 0), y, line)
            y -= 12
    assert text(pdf).split("\n\n") == [one, two, three]


def test_a_numbered_bibliography_is_cut_and_what_follows_it_is_kept():
    body = prose(13, 100)
    pdf = Pdf().column(54, 740, wrapped(body, 80))
    pdf.at(54, 560, "References", 12)
    pdf.column(
        54, 535, ["[1] A. Writer. Some title of a work. 1999.", "[2] B. Writer. Another title. 2001."], 9
    )
    pdf.at(54, 480, "A. Proofs", 12).column(54, 455, wrapped(prose(14, 60), 80))
    found = text(pdf)
    assert "Writer" not in found and "References" not in found and found.endswith(prose(14, 60))


def test_what_stands_across_is_left_out_and_names_the_paper():
    pdf = (
        Pdf()
        .column(90, 740, wrapped(prose(15, 60), 80))
        .at(30, 250, "arXiv:1707.08043v1  [math.AC]  25 Jul 2017", 16, True)
    )
    found = pdf_text(pdf.bytes(), 9)
    assert found.arxiv == "1707.08043" and "arXiv" not in found.text and found.text == prose(15, 60)


def test_a_page_that_is_turned_as_a_whole_is_read():
    pdf = Pdf()
    for number, line in enumerate(wrapped(prose(16, 80), 70)):
        pdf.at(100 + 12 * number, 60, line, turned=True)
    assert text(pdf) == prose(16, 80)


# ---------------------------------------------------------------- files that give no text


def reason(data: bytes, pages: int = 100) -> str:
    with pytest.raises(PdfError) as caught:
        pdf_text(data, pages)
    return caught.value.reason


def test_a_scan_has_no_text_and_too_many_pages_are_named():
    scan = Pdf()
    scan.pages = [["q 500 0 0 700 50 50 cm Q"]] * 3
    assert reason(scan.bytes()) == "no_text"
    long = Pdf()
    long.pages = [["BT /F1 10 Tf 50 700 Td (text and more text) Tj ET"]] * 12
    assert reason(long.bytes(), 11) == "too_large"
    assert pdf_text(long.bytes(), 12).pages == 12


def test_glyphs_without_unicode_are_no_text():
    private = "".join(chr(0xE000 + n) for n in range(60))
    data = Pdf().at(54, 700, private).bytes()
    assert reason(data) == "no_text"


def test_an_encrypted_file_is_named(tmp_path, read):
    data = Pdf().at(54, 700, "secret text").bytes()
    locked = data.replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <"
        + b"28" * 32
        + b"> /U <"
        + b"31" * 32
        + b"> >> /ID [<00> <00>]",
    )
    assert reason(locked) == "encrypted"
    path = tmp_path / "locked.pdf"
    path.write_bytes(locked)
    shard = read(path, kind="papers")
    assert shard.account["quarantined"] == {"encrypted": 1} and shard.quarantine[0]["bytes"].startswith(
        b"%PDF"
    )


@pytest.mark.fault(22)
def test_bombs_in_streams_are_stopped_before_they_are_unpacked(monkeypatch):
    monkeypatch.setattr(engine, "STREAM", 1 << 20)
    bomb = zlib.compress(b" " * (8 << 20))
    assert reason(Pdf().bytes(contents=[bomb])) == "bomb"
    twice = zlib.compress(bomb)
    assert len(twice) < 2000
    assert reason(Pdf().bytes(contents=[twice], filters="[/FlateDecode /FlateDecode]")) == "bomb"
    monkeypatch.setattr(engine, "STREAMS", 1 << 20)
    many = [zlib.compress(b" " * (1 << 19))] * 4
    assert reason(Pdf().bytes(contents=many)) == "bomb"


@pytest.mark.fault(23)
def test_deep_objects_and_loops_end():
    deep = Pdf().at(54, 700, "text that is kept").bytes(catalog="/X " + "[" * 100_000 + "]" * 100_000)
    loop = Pdf().at(54, 700, "text that is kept").bytes().replace(b"/Kids [6 0 R]", b"/Kids [2 0 R]")
    own = Pdf().at(54, 700, "text that is kept").bytes().replace(b"/Parent 2 0 R", b"/Parent 6 0 R")
    for data in (deep, loop, own):
        try:
            assert pdf_text(data, 100).text
        except PdfError as error:
            assert error.reason in ("damaged_pdf", "no_text")


def test_a_page_of_too_many_characters_is_named(monkeypatch):
    monkeypatch.setattr(engine, "PAGE_CHARACTERS", 1000)
    assert reason(Pdf().column(54, 700, ["x" * 80] * 20).bytes()) == "too_large"


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_file_is_read_or_named(real_data, tmp_path, read, tenth):
    whole = (real_data / "corpora/papers/pdf/pdflatex-4-pages.pdf").read_bytes()
    path = tmp_path / "cut.pdf"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    account = read(path, kind="papers").account
    assert account["read"] == 1 and set(account["quarantined"]) <= {"damaged_pdf", "no_text"}


@pytest.mark.fault(13)
def test_flipped_bytes_do_not_raise():
    whole = in_columns(wrapped(prose(17, 300), 40), 20, by_row=False).bytes()
    rng = random.Random(4)
    read_all = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            read_all += bool(pdf_text(bytes(data), 100).text)
        except PdfError as error:
            assert error.reason in ("damaged_pdf", "no_text", "encrypted", "bomb", "too_large")
    assert read_all > 20


# ---------------------------------------------------------------- real files


def test_the_real_two_column_paper_is_in_order(real_data):
    """Sentences that go over a column's or a page's end, over a footnote, and over a figure between."""
    found = pdf_text((real_data / "corpora/papers/pdf/testJournalParser.pdf").read_bytes(), 100)
    crossing = [
        "underactuation presents in such systems (all robots are controlled by a single global control signal), makes",  # column, over a footnote
        "a set of control primitives that couple the motion of the microrobots in a specific way (later called STRING",  # page
        "let 𝑉𝑑𝑖and 𝑉𝑢𝑖 denote the snap-down and release voltages",  # a hyphen at a line's end
        "makes the system controllable when implementing microassembly. STRING reduces the control",  # column
        "we can snap down C1 and D1 of C2 while D2 of C2 is released.",  # page
        "only after all other clusters are in state “11”.",  # page
        "it follows that n = 2M ≤ 𝐾𝐿",  # column, over a figure
        "cluster Gi, (i > j",  # page, over a caption
        "obtains enough curvature to produce\n\nb) a forward step, while",  # column; the author began a paragraph there
    ]
    for sentence in crossing:
        assert sentence in found.text
    order = [
        "Abstract—",
        "Keywords:",
        "## I. INTRODUCTION",
        "## II. STRESS",
        "III. GCSR",
        "IV. BEYOND",
        "A. String-Cluster System",
        "B. Electromechanically",
        "## V. CONCLUSION",
    ]
    places = [found.text.index(piece) for piece in order]
    assert places == sorted(places)
    assert "[1]" in found.text and "vforou2@uic.edu" in found.text
    assert found.title.startswith(
        "Scalability of Controlling Heterogenous Stress-Engineered MEMS Microrobots"
    )
    assert found.date == "2015-07-07" and found.pages == 10


def test_the_real_files_of_one_column(real_data):
    folder = real_data / "corpora/papers/pdf"
    pages = pdf_text((folder / "pdflatex-4-pages.pdf").read_bytes(), 100).text
    sentence = "Hello, here is some text without a meaning. This text should show what a printed text will look like at this place."
    assert pages.count(sentence) >= 15 and "\n1\n" not in pages
    assert re.search(r"information\. Really\? Is there no information\?", pages)
    tika = pdf_text((folder / "testPDF.pdf").read_bytes(), 100)
    assert tika.title == "Apache Tika - Apache Tika" and tika.author == "Bertrand Delacrétaz"
    assert "structured text content from various documents using existing parser libraries." in tika.text
    outline = pdf_text((folder / "pdflatex-outline.pdf").read_bytes(), 100).text
    assert [f"## {n + 1} {name}" in outline for n, name in enumerate(["Foo", "Bar", "Baz"] * 3)] == [True] * 9


def test_a_table_of_contents_keeps_its_lines():
    pdf = Pdf().column(
        72,
        700,
        ["1 The river 2", "1.1 Boats and bridges .......... 12", "2 第二章 夜里的河水 131", "3 Winter 140"],
    )
    pdf.page().column(72, 700, wrapped(prose(3, 90), 70))
    found = text(pdf)
    assert "1 The river 2\n1.1 Boats and bridges 12\n2 第二章夜里的河水 131\n3 Winter 140" in found
