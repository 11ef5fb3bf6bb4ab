"""dolma's side of benchmarks/conformance_rules.py: what its own tagger `gopher_v1` says of each text."""

import json
import sys
from pathlib import Path

from dolma.core.data_types import Document
from dolma.core.registry import TaggerRegistry


def main():
    tagger = TaggerRegistry.get("gopher_v1")()
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = []
    for text in texts:
        result = tagger.predict(Document(id="0", source="headwater", text=text))
        answers.append({span.type: span.score for span in result.spans})
    Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
