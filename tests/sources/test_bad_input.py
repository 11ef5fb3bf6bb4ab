"""Every file of bad-input, and what becomes of its records: truncated, clipped, odd and malformed archives."""

import pytest

# file: (documents, gated, quarantined)
EXPECTED = {
    "arc/iah-2008-blackbook-truncated.arc": (3, {"content_type": 4, "record_type": 2}, {}),
    # lengths of -1, 1 (a line feed) and "abc"
    "warc/bad.arc": (0, {"empty": 1, "record_type": 1}, {"damaged_record": 1, "unreadable_tail": 1}),
    # its line ends were changed, so that its one page is twelve bytes short
    "warc/example-space-in-url.arc": (0, {"record_type": 1}, {"unreadable_tail": 1}),
    "warc/example.arc": (1, {"record_type": 1}, {}),
    "warc/example.arc.gz": (1, {"record_type": 1}, {}),
    "warc/example-bad-non-chunked.warc.gz": (1, {"record_type": 5}, {}),
    "warc/example-bad.warc.gz.bad": (1, {"http_status": 1, "record_type": 4}, {}),
    "warc/example-digest.warc": (0, {"record_type": 4}, {}),
    "warc/example-iana.org-chunked.warc": (1, {"record_type": 2}, {}),
    "warc/example-resource.warc.gz": (1, {"record_type": 2}, {}),
    "warc/example-space-in-target-uri.warc.gz": (0, {"record_type": 2}, {}),
    # a response that is shorter than it says, and swallowed the beginning of the request behind it
    "warc/example-trunc.warc": (0, {"record_type": 3}, {"damaged_record": 1}),
    "warc/example-wget-bad-target-uri.warc.gz": (1, {"record_type": 5}, {}),
    "warc/example-wrong-chunks.warc.gz": (1, {"record_type": 1}, {}),
    "warc/example.warc": (1, {"record_type": 5}, {}),
    "warc/example.warc.gz": (1, {"record_type": 5}, {}),
    "warc/post-test.warc.gz": (0, {"content_type": 3, "record_type": 3}, {}),
    "warc-resiliparse/block-sized-records.warc.gz": (0, {"record_type": 3}, {}),
    "warc-resiliparse/clipped.warc.gz": (0, {}, {"unreadable_tail": 1}),
    "warc-resiliparse/warcfile.warc.lz4": (16, {"record_type": 34}, {}),
}


@pytest.mark.fault(15)
@pytest.mark.parametrize("name", EXPECTED)
def test_every_record_of_a_bad_file_is_accounted_for(read, real_data, name):
    path = real_data / "bad-input" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    account = read(path, kind="warc", text="all").account
    documents, gated, quarantined = EXPECTED[name]
    assert (account["documents"], account["gated"], account["quarantined"]) == (documents, gated, quarantined)
    assert account["read"] == documents + sum(gated.values()) + sum(quarantined.values())


@pytest.mark.fault(15)
def test_the_table_names_every_file(real_data):
    folder = real_data / "bad-input"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(EXPECTED)
