"""Which items of a test split share a passage with the text that a model was pre-trained on.

The text is that of the run's training set, decoded from its tokens, by the grams of `curate.contamination`; shorter ones
than there (8 words or 16 characters), as what is told is what may have been seen, and nothing is cut.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.tokens import open_tokens
from headwater.curate.contamination import hits_in, index_heldout
from headwater.engine.workspace import Workspace, read_json
from headwater.model.tokenizer import Tokenizer
from headwater.recipe.settings import Decontaminate
from headwater.tasks.items import Item

VERSION = 3  # of what is counted; 3: characters that a tokeniser has no piece for
WORDS, CHARACTERS = 8, 16
BLOCK = 1 << 20  # tokens decoded at a time
LAP = 200  # tokens of one block that the next begins with
MOST_ITEMS = 60_000


def overlap_of(
    model: Path, workspace: Workspace, tokenizer: Tokenizer, items: Sequence[Item]
) -> dict[str, Any]:
    """{"items", "long_enough", "found", …}, of items; {"unknown": why} where the training set is not in the workspace."""
    training_set = _training_set(model, workspace)
    if training_set is None:
        return {"unknown": "it is not in this workspace, so what was read before cannot be told"}
    settings = Decontaminate(words=WORDS, characters=CHARACTERS)
    some = items[:MOST_ITEMS]
    groups = Counter(item.group for item in some)  # several questions may be of one passage
    index = index_heldout(groups, settings)
    read = np.zeros(len(index.hashes), bool)  # which grams the pre-training text has
    manifest = read_json(training_set / "manifest.json")
    pieces = tokenizer.token_bytes()
    pieces[manifest["separator"]] = b"\n"
    for shard in manifest["pool"] if len(index.hashes) else []:
        tokens = open_tokens(training_set / shard["path"], manifest["vocabulary"])
        for start in range(0, len(tokens), BLOCK):
            block = tokens[max(0, start - LAP) : start + BLOCK].tolist()
            text = b"".join([pieces[token] for token in block]).decode("utf-8", "replace")
            read[hits_in(text, index)[0]] = True
    long_enough = found = 0
    for group, count in groups.items():
        theirs = hits_in(group, index)[0]
        long_enough += count if len(theirs) else 0
        found += count if read[theirs].any() else 0
    return {
        "items": len(some),
        "long_enough": long_enough,
        "found": found,
        "words": WORDS,
        "characters": CHARACTERS,
    }


def _training_set(model: Path, workspace: Workspace) -> Path | None:
    wanted = (read_json(model.parent / "config.json") or {}).get("training_set")
    for manifest in (workspace.path / "training-sets").glob("*/manifest.json") if wanted else ():
        if read_json(manifest)["key"] == wanted:
            return manifest.parent
    return None
