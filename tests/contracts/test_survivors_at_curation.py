"""Contract: who of a cluster survives is decided among the documents alive at that step: a rule that drops the
longest copy first does not cost the cluster its last one."""

import json

import pytest

BODY = "".join(f"第{n}天，河水涨了{n}寸，没有人记下是什么时候到的；老人说漢語。" for n in range(9))
COPIES = [BODY, BODY + "完。", BODY + "完。" + "the end " * 12]


@pytest.mark.parametrize(
    ("order", "kept"), [("rules, duplicates", "the second"), ("duplicates, rules", "none")]
)
def test_a_cluster_keeps_the_best_of_those_alive(tales, order, kept):
    for path in (tales.folder / "texts").iterdir():
        path.unlink()
    other = ["".join(chr(0x4E00 + (7 * n + 31 * k) % 8000) for k in range(120)) for n in range(12)]
    with (tales.folder / "texts" / "副本.jsonl").open("w", encoding="utf-8") as file:
        for n, text in enumerate([*COPIES, *other]):
            file.write(json.dumps({"text": text, "author": f"a{n}"}, ensure_ascii=False) + "\n")
    longest = max(map(len, COPIES))
    tales.curate(
        f"  decontaminate: null\n  order: [{order}]\n  duplicates: {{near: {{similarity: 0.5, keep: longest}}}}\n"
        f'  rules: {{"*": {{length.characters: {{max: {longest - 1}}}}}}}'
    )
    texts = {row["id"]: row["text"] for row in tales.rows("documents")}
    copies = {
        COPIES.index(texts[row["id"]]): row for row in tales.rows("ledger")
        if texts[row["id"]] in COPIES and row["split"] == "train"
    }  # fmt: skip
    if len(copies) < 3:
        pytest.skip("the split held one of the copies out")
    assert copies[2]["reason"] == "length_characters"
    states = [copies[n]["state"] for n in (0, 1)]
    # the order is explicit: filter first, and the next best stays; deduplicate first, and all go with the longest
    assert states == (["dropped", "kept"] if kept == "the second" else ["dropped", "dropped"])
    assert copies[0]["reason"] == "near_duplicate" and copies[0]["partner"] in texts
