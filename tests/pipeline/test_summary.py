"""What a person reads after a command."""

from headwater.pipeline import summary


def test_the_reasons_that_are_not_named_are_counted() -> None:
    reasons = [(f"reason_{n}", 10 - n) for n in range(6)]
    lines = summary._most(reasons, 3)
    assert [line.split()[0] for line in lines] == ["10", "9", "8", "18"]
    assert lines[-1].endswith("for 3 more reasons")
    assert summary._most(reasons[:4], 3)[-1].endswith("for 1 more reason")
    assert len(summary._most(reasons, 6)) == 6
