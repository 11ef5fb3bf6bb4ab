"""The tokens that a family needs beside those of its text, appended behind the vocabulary.

Text is encoded to the same ids with and without them, so the families share one pool of tokens. Where a tokeniser
has a token of that role already, under any of the usual names, it is kept.

    bert    [PAD] [CLS] [SEP] [MASK]          a text is  [CLS] text [SEP]
    xlnet   <pad> <sep> <cls>                 a text is  text <sep> <cls>
    t5      <pad> </s> <extra_id_99 … 0>      a text is  text </s>; sentinels count down from the last id
    gpt     none; a tokeniser from elsewhere may put <s> before every text: then a text is  <s> text, in training too
"""

from dataclasses import dataclass

import numpy as np
import tokenizers
from tokenizers import processors

SENTINELS = 100
# family: role -> names, the first being the one that is added
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "gpt": {},
    "bert": {
        "pad": ("[PAD]", "<pad>"), "begin": ("[CLS]", "<s>"), "end": ("[SEP]", "</s>"), "mask": ("[MASK]", "<mask>"),
    },
    "xlnet": {"pad": ("<pad>",), "end": ("<sep>",), "begin": ("<cls>",)},
    "t5": {
        "pad": ("<pad>",), "end": ("</s>",),
        **{f"sentinel_{n}": (f"<extra_id_{n}>",) for n in reversed(range(SENTINELS))},
    },
}  # fmt: skip
_TEMPLATES = {
    "bert": ("{begin} $A {end}", "{begin} $A {end} $B:1 {end}:1"),
    "xlnet": ("$A {end} {begin}:2", "$A {end} $B:1 {end}:1 {begin}:2"),
    "t5": ("$A {end}", "$A {end} $B {end}"),
}


@dataclass(frozen=True)
class SpecialTokens:
    """Ids by role; those that the family does not have are None."""

    ids: frozenset[int]  # of every special token, the separator among them
    separator: int
    pad: int | None = None
    begin: int | None = None  # [CLS]; of gpt what its tokeniser puts before a text, as Llama's does: <s>
    end: int | None = None  # [SEP], </s>
    mask: int | None = None
    sentinels: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """What a gpt model reads before a text: what its tokeniser puts there, else the separator."""
        return self.separator if self.begin is None else self.begin


def added_count(family: str) -> int:
    """How many tokens a family's tokeniser has beside those of a plain one."""
    return len(ROLES[family])


def role_names(tokenizer: tokenizers.Tokenizer, family: str) -> dict[str, str]:
    """{role: name} of those that the tokeniser has."""
    found = {}
    for role, names in ROLES[family].items():
        there = next((name for name in names if tokenizer.token_to_id(name) is not None), None)
        if there is not None:
            found[role] = there
    return found


def with_special_tokens(definition: str, family: str) -> str:
    """A `tokenizer.json` that has what the family needs; the same one where nothing is missing."""
    tokenizer = tokenizers.Tokenizer.from_str(definition)
    there = role_names(tokenizer, family)
    missing = [names[0] for role, names in ROLES[family].items() if role not in there]
    if not missing:
        return definition
    tokenizer.add_special_tokens(
        [tokenizers.AddedToken(name, special=True, normalized=False) for name in missing]
    )
    names = role_names(tokenizer, family)
    single, pair = (template.format(**names) for template in _TEMPLATES[family])
    used = [(name, tokenizer.token_to_id(name)) for role, name in names.items() if role in ("begin", "end")]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=used)
    return str(tokenizer.to_str(pretty=True))


def cut_out(row: np.ndarray, cut: np.ndarray, special: SpecialTokens) -> tuple[np.ndarray, np.ndarray]:
    """What a T5 encoder reads and its decoder writes, of a row (L,) of which the tokens `cut` (L,) are gone.

    The row with a sentinel in the place of each run that is gone, and the runs, each behind its sentinel; both end in
    </s>.
    """
    assert special.end is not None
    starts = cut & ~np.concatenate([[False], cut[:-1]])
    sentinels = np.array(special.sentinels[: int(starts.sum())], row.dtype)
    marked = row.copy()
    marked[starts] = sentinels
    read = marked[~cut | starts]
    written = np.insert(row[cut], (np.cumsum(cut) - 1)[starts], sentinels)
    return np.append(read, special.end), np.append(written, special.end)
