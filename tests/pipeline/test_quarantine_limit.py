"""Too much that cannot be read ends a run; what it was can be asked for."""

from pathlib import Path

import pytest

from headwater import api
from headwater.errors import QuarantineLimit


def test_the_records_beyond_the_limit_can_be_asked_for(tmp_path: Path) -> None:
    lines = ['{"text": "河水涨了。"}', '{"text": "第二行，坏了', '{"text": "第三行。"}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "r.yaml").write_text(
        "sources: [{name: 日记, kind: files, paths: [a.jsonl]}]\nholdout: {share: 0}\n"
        "takedown: {entries: []}\n",
        encoding="utf-8",
    )
    with pytest.raises(QuarantineLimit, match=r"1 of 3 records.*select \* from quarantine"):
        api.ingest(tmp_path / "r.yaml", workers=0)
    [(data,)] = api.sql(tmp_path / "workspace", "select bytes from quarantine").rows
    assert "第二行" in data.decode("utf-8")
    assert api.sql(
        tmp_path / "workspace", "select count(*) from documents where text like '%第三行%'"
    ).rows == [(1,)]
    assert api.gc(tmp_path / "workspace") == []
