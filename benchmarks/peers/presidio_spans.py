"""presidio's side of benchmarks/privacy.py: spans of its pattern recognisers on the same texts, and their time."""

import json
import sys
import time
from pathlib import Path

import tldextract
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)

tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # the list that it carries


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    kinds = [
        EmailRecognizer,
        IpRecognizer,
        CreditCardRecognizer,
        PhoneRecognizer,
        IbanRecognizer,
        UsSsnRecognizer,
    ]
    recognizers = [kind() for kind in kinds]

    def spans(text):
        return [
            (result.entity_type, result.start, result.end)
            for one in recognizers
            for result in one.analyze(text, one.supported_entities, None) or []
        ]

    spans("a@example.com")
    found = [spans(text) for text in question["truth"]]
    started = time.process_time()
    for text in question["speed"]:
        spans(text)
    seconds = time.process_time() - started
    Path(sys.argv[2]).write_text(json.dumps({"spans": found, "seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
