"""Token shards hold what was written, in the width that is needed, and nothing beyond the vocabulary."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.corpus.tokens import TokenWriter, open_tokens, token_type
from headwater.errors import HeadwaterError


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, 69_999), max_size=50), max_size=20),
    vocabulary=st.sampled_from([65_536, 65_537, 70_000]),
)
def test_every_text_is_found_at_its_offset(
    texts: list[list[int]], vocabulary: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tokens") / "shard.bin"
    texts = [[token % vocabulary for token in text] for text in texts]
    with TokenWriter(path, vocabulary) as writer:
        offsets = [writer.write(np.array(text, np.uint32), "文档") for text in texts]
    tokens = open_tokens(path, vocabulary)
    assert tokens.dtype == (np.uint16 if vocabulary == 65_536 else np.uint32)
    assert len(tokens) == sum(map(len, texts))
    for offset, text in zip(offsets, texts, strict=True):
        assert tokens[offset : offset + len(text)].tolist() == text


@pytest.mark.parametrize(
    ("vocabulary", "token"), [(1024, 1024), (65_536, 65_536), (70_000, 70_000), (512, -1)]
)
def test_a_token_outside_the_vocabulary_stops_and_names_its_text(
    tmp_path: Path, vocabulary: int, token: int
) -> None:
    with (
        TokenWriter(tmp_path / "shard.bin", vocabulary) as writer,
        pytest.raises(HeadwaterError, match=f"源头-7.* token {token}.*{vocabulary:,}"),
    ):
        writer.write(np.array([5, token], np.int64), "源头-7")


def test_a_damaged_or_missing_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.bin").write_bytes(b"abc")
    with pytest.raises(HeadwaterError, match=r"odd\.bin.*damaged"):
        open_tokens(tmp_path / "odd.bin", 1000)
    with pytest.raises(HeadwaterError, match=r"none\.bin"):
        open_tokens(tmp_path / "none.bin", 1000)
    with pytest.raises(HeadwaterError, match="at most"):
        token_type(2**33)
