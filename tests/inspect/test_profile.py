"""The funnel adds up, step by step and file by file."""

from headwater.engine.workspace import Workspace
from headwater.inspect.profile import funnel
from headwater.inspect.snapshots import snapshots


def test_what_leaves_is_what_the_next_level_lacks(workspace: Workspace) -> None:
    [snapshot] = snapshots(workspace)
    found = funnel(snapshot)
    documents = {(level.kind, level.name): level.total.documents for level in found.levels}
    assert documents == {
        ("documents", ""): 28, ("heldout", ""): 2, ("train", ""): 26, ("step", "lines"): 26,
        ("step", "rules en: fineweb, zh: fineweb2-zh"): 23, ("step", "duplicates"): 20, ("kept", ""): 20,
        ("training_set", ""): 20,
    }  # fmt: skip
    assert documents["train", ""] - documents["kept", ""] == sum(reason.documents for reason in found.reasons)
    for level in found.levels:
        assert level.total.bytes == sum(amount.bytes for amount in level.sources.values())
    kept, training = found.level("kept"), found.level("training_set")
    assert kept is not None and training is not None and kept.total.bytes == training.total.bytes
    assert (found.edited, found.characters_removed > 0) == (1, True)


def test_reasons_come_with_the_same_examples_each_time(workspace: Workspace) -> None:
    [snapshot] = snapshots(workspace)
    first, second = funnel(snapshot), funnel(snapshots(workspace)[0])
    assert first == second
    names = [(reason.name, reason.documents, len(reason.examples)) for reason in first.reasons]
    assert names == [("near_duplicate", 3, 3), ("repetition_duplicate_lines", 2, 2), ("gopher_words", 1, 1)]
    for reason in first.reasons:
        ids = [case.id for case in reason.examples]
        assert ids == sorted(ids)
    judgement = first.reasons[1].examples[0].judgement
    assert judgement is not None and judgement.failed and judgement.bounds == "≤ 0.3"


def test_files_balance_and_one_that_does_not_is_seen(workspace: Workspace) -> None:
    [snapshot] = snapshots(workspace)
    assert funnel(snapshot).balanced
    entry = next(iter(snapshot.shards.values()))
    file = entry.result["files"]["books/file-1.txt"]
    file["read"] += 1
    found = funnel(snapshot)
    assert [one.file for one in found.files if not one.balanced] == ["books/file-1.txt"]
