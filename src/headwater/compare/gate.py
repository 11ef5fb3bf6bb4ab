"""`--gate "not worse"`: a recipe's change reviewed like a change of code.

It passes where the upper bound of every candidate's interval is below the margin: non-inferiority, which is more than
"no difference was found". A comparison that cannot tell does not pass.
"""

from dataclasses import dataclass
from typing import Any

from headwater.compare.sentence import signed
from headwater.errors import RecipeError

GATES = ("not worse",)


@dataclass(frozen=True)
class Gate:
    passed: bool
    sentence: dict[str, str]  # en, zh

    def as_json(self) -> dict[str, Any]:
        return {"gate": "not worse", "passed": self.passed, "sentence": self.sentence}


def refuse_unknown(name: str) -> None:
    if name not in GATES:
        raise RecipeError(f"--gate {name!r}: there is only {GATES[0]!r}")


def gate(result: dict[str, Any]) -> Gate:
    """Whether no candidate of a comparison.json is worse by the margin."""
    margin = 100 * result["margin"]
    failed = [one for one in result["candidates"] if not one["not_worse"]]
    if not failed:
        worst = max(result["candidates"], key=lambda one: one["interval"][1])
        bound = signed(worst["interval"][1])
        return Gate(
            True,
            {
                "en": f"Gate passed: {worst['arm']} is at most {bound}% worse, below the margin of {margin:g}%."
                if worst["interval"][1] > 0
                else f"Gate passed: {worst['arm']} is better, {bound}% at the least.",
                "zh": f"通过：{worst['arm']} 至多差 {bound}%，低于界限 {margin:g}%。"
                if worst["interval"][1] > 0
                else f"通过：{worst['arm']} 更好，至少 {bound}%。",
            },
        )
    one = max(failed, key=lambda row: row["interval"][1])
    bound = signed(one["interval"][1])
    if one["verdict"] == "not measurable":
        english = "cannot be measured at this size, so that nothing says it is not worse"
        chinese = "在这个规模上无法测量，不能说它没有变差"
    elif one["interval"][0] > 0:
        english = f"is worse, by up to {bound}% (margin {margin:g}%)"
        chinese = f"变差，至多 {bound}%（界限 {margin:g}%）"
    else:
        english = f"may be worse by up to {bound}%, which is not below the margin of {margin:g}%"
        chinese = f"可能变差，至多 {bound}%，没有低于界限 {margin:g}%"
        if one["seeds_needed"]:
            english += f"; about {one['seeds_needed']} seeds an arm would decide"
            chinese += f"；每臂约 {one['seeds_needed']} 个种子可见分晓"
    return Gate(
        False, {"en": f"Gate failed: {one['arm']} {english}.", "zh": f"未通过：{one['arm']} {chinese}。"}
    )
