"""How much a comparison may cost: arms, seeds, size of the model, tokens of each training.

A budget sets model, training length and vocabulary of every arm, in the place of the recipes' own, so that arms
differ in their data and in nothing else. Sizes and seeds are PROTOCOL.md's.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headwater.errors import RecipeError
from headwater.recipe import Recipe
from headwater.recipe.training import ModelSettings

# Tokens that a one-thread training of this size reads in a second, measured on two busy cores; and seconds for
# what is not training, on a small corpus.
TRAIN_RATE = 20_000
OVERHEAD_SECONDS = 30

# What `Budget.of` sets in every recipe.
FIXED = ("model", "train.tokens", "train.batch", "train.checkpoint_every", "tokenizer.vocabulary")


@dataclass(frozen=True)
class Budget:
    name: str
    tokens: int  # of each training
    seeds_baseline: int
    seeds_candidate: int
    candidates: int  # at most
    preset: str  # of the model
    vocabulary: int
    batch: int  # tokens a step
    margin: float  # M: a difference that would not matter, as a share

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with this budget's model, training length and vocabulary."""
        if recipe.model.family != "gpt":
            raise RecipeError(
                f"model.family is {recipe.model.family}; a comparison trains its budget's gpt models, whose likelihoods "
                "can be ranked: leave `model` out"
            )
        train = {"tokens": self.tokens, "batch": self.batch, "checkpoint_every": 50 * self.batch}
        return recipe.model_copy(
            update={
                "model": ModelSettings(preset=self.preset),
                "train": recipe.train.model_copy(update=train),
                "tokenizer": recipe.tokenizer.model_copy(update={"vocabulary": self.vocabulary}),
            }
        )

    def refuse(self, overrides: Sequence[str]) -> None:
        """Raises RecipeError for an override that this budget would undo."""
        for override in overrides:
            key = override.partition("=")[0]
            for fixed in FIXED:
                if f"{fixed}.".startswith(f"{key}.") or key.startswith(f"{fixed}."):
                    raise RecipeError(
                        f"--set {override}: a comparison's budget sets {fixed}, the same for every arm "
                        f"({self.name}: {self.preset}, {self.tokens:,} tokens, vocabulary {self.vocabulary:,}); "
                        "leave it out, or choose another --budget"
                    )

    def seeds(self, role: str) -> int:
        return self.seeds_baseline if role == "baseline" else self.seeds_candidate

    def seconds(self, candidates: int, slots: int) -> float:
        trainings = self.seeds_baseline + candidates * self.seeds_candidate
        return OVERHEAD_SECONDS + -(-trainings // slots) * self.tokens / TRAIN_RATE

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("demo", 500_000, 6, 3, 1, "modern-nano", 1024, 2048, 0.01),
        Budget("quick", 2_000_000, 6, 3, 2, "modern-nano", 1024, 4096, 0.01),
    )
}


def find_budget(name: str, candidates: int) -> Budget:
    """Raises RecipeError for an unknown name, and for more candidates than the budget has trainings for."""
    if name not in BUDGETS:
        raise RecipeError(f"there is no budget {name!r}; there are {', '.join(BUDGETS)}")
    budget = BUDGETS[name]
    if not 1 <= candidates <= budget.candidates:
        raise RecipeError(
            f"budget {name} compares a first recipe, the baseline, with {'up to ' * (budget.candidates > 1)}"
            f"{budget.candidates} more; "
            + ("name two recipes at least" if candidates < 1 else "compare the others in runs of their own")
        )
    return budget
