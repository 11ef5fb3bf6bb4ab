"""Encoding by tiktoken against `tokenizers`, whose ids must be the same; and that no byte of odd text is lost.

    ./run bench tokenizer [--vocabulary 16000] [--megabytes 4]

One byte-level tokeniser is trained on real English and Chinese text, then both encode other text of the same books on
one thread. The round trip is over every file of truth/encoding, read as what its folder says it is.
"""

import argparse
import os
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
from peers import data_folder, read_text

from headwater.model.tokenizer import Tokenizer, train

BAR = 3
TEXTS = {"English": "corpora/books/novels-en/*.txt.gz", "Chinese": "corpora/books/books-zh/*.txt.gz"}
CODECS = {"windows-1251-russian": "cp1251", "windows-1252": "cp1252", "GB2312": "gb18030", "EUC-KR": "cp949"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vocabulary", type=int, default=16_000)
    parser.add_argument("--megabytes", type=float, default=4, help="of text encoded, a language")
    options = parser.parse_args()
    pieces: dict[str, list[str]] = {}
    for language, pattern in TEXTS.items():
        whole = [read_text(path) for path in sorted(data_folder().glob(pattern))]
        pieces[language] = [text[at : at + 4000] for text in whole for at in range(0, len(text), 4000)]
    coder = Tokenizer(train([piece for some in pieces.values() for piece in some[::4]], options.vocabulary))
    slow = tokenizers.Tokenizer.from_str(coder.definition)
    slow.encode_special_tokens = True
    for language, some in pieces.items():
        texts, size = [], 0
        for piece in some[1::2]:
            texts.append(piece)
            size += len(piece.encode())
            if size >= options.megabytes * 1e6:
                break
        ours, theirs, peer_batch = [], [], []
        for _ in range(3):  # side by side, so that a busy machine disturbs both
            started = time.process_time()
            ids = coder.encode_batch(texts)
            ours.append(time.process_time() - started)
            started = time.process_time()
            expected = [slow.encode(text, add_special_tokens=False).ids for text in texts]
            theirs.append(time.process_time() - started)
            started = time.process_time()
            slow.encode_batch(texts, add_special_tokens=False)
            peer_batch.append(time.process_time() - started)
        same = all(a.tolist() == b for a, b in zip(ids, expected, strict=True))
        print(
            f"{language:<8} {size / 1e6:5.1f} MB  ours {size / min(ours) / 1e6:6.1f}, tokenizers "
            f"{size / min(theirs) / 1e6:5.2f} (batch {size / min(peer_batch) / 1e6:5.2f}) MB a CPU second; ratio "
            f"{min(theirs) / min(ours):.1f} ({min(peer_batch) / min(ours):.1f}), bar {BAR}; ids "
            + ("identical" if same else "DIFFER")
        )
    files = lossless = 0
    for path in sorted((data_folder() / "truth/encoding/files").rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode(CODECS.get(path.parent.name, path.parent.name), "replace")
            files += 1
            lossless += coder.decode(coder.encode(text)) == text
    print(f"truth/encoding: {lossless} of {files} files come back whole")


if __name__ == "__main__":
    main()
