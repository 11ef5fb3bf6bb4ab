"""What tests/fuzz/fuzz_readers.py has found in the kinds beyond archives of the web and rows, one test a finding."""

import os
import subprocess

import pytest

from headwater.sources.extract.latex import paper_of

CLOCK = "2024-01-02T03:04:05Z"


@pytest.fixture
def packed(tmp_path):
    """The .git of a repository whose objects are in one pack."""
    who = {"GIT_AUTHOR_NAME": "鲁迅", "GIT_AUTHOR_EMAIL": "a@b.example", "GIT_AUTHOR_DATE": CLOCK}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    environment = os.environ | who | {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    (tmp_path / "源.py").write_text("x = 1\n" * 50)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["repack", "-adq"]):
        subprocess.run(["git", *words], cwd=tmp_path, env=environment, check=True)
    return tmp_path / ".git"


@pytest.mark.parametrize(
    "place", [1032 + 24 * 3, 1032 + 24 * 3 + 4, 1032 + 24 * 3 + 8]
)  # the table of offsets
def test_an_index_of_git_that_leads_out_of_it_is_named(packed, read, place):
    [index] = (packed / "objects" / "pack").glob("*.idx")
    index.chmod(0o644)
    data = bytearray(index.read_bytes())
    assert int.from_bytes(data[8 + 255 * 4 : 1032], "big") == 3  # commit, tree, file
    data[place : place + 4] = b"\xff\xff\xff\xff"
    for damaged in (bytes(data), bytes(data[: 1032 + 24 * 3])):
        index.write_bytes(damaged)
        shard = read(packed / "HEAD", kind="code")
        assert sum(shard.account["quarantined"].values()) == 1 and not shard.documents


def test_a_parameter_of_tex_that_there_is_none_of_is_nothing():
    for sign in "0²９":
        text = f"\\documentclass{{article}}\\begin{{document}}\\def\\a{{x#{sign}y}}甲 \\a{{}} $\\a{{}}$ 乙\\end{{document}}"
        assert "甲" in "".join(str(paper_of("main.tex", text, lambda name: None)))
