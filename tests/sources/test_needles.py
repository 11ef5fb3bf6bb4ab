"""What a page is sure not to hold."""

import pytest

from headwater.sources.extract.metadata import ANYWHERE, metadata_of
from headwater.sources.extract.needles import absent
from headwater.sources.extract.page_dates import VARIABLES


def test_four_bytes_of_each_string_are_looked_for():
    for needles in (ANYWHERE, VARIABLES):
        for needle, window in needles.items():
            assert len(window) == 4 and window in needle.encode(), needle


@pytest.mark.parametrize("needle", [*ANYWHERE, *VARIABLES])
def test_what_is_there_is_never_called_absent(needle):
    needles = {**ANYWHERE, **VARIABLES}
    for before, after in (("", ""), ("发布时间：", "。"), ("x" * 61, "源头" * 40)):
        assert needle not in absent(f"{before}{needle}{after}".encode(), needles)
    assert absent("河边的春天来得很晚。".encode() * 20, needles) == set(needles)
    assert absent(b"", needles) == absent(b"<p>", needles) == set(needles)


def test_a_page_says_the_same_of_itself_with_its_bytes_and_without():
    page = "<title>狂人日记</title><body><script>var pubTime = '2024-03-05 18:05';</script><p>某君昆仲，今隐其名。</p>"
    assert metadata_of(page) == metadata_of(page, page.encode())
    assert metadata_of(page)["date"] == "2024-03-05T18:05:00"
