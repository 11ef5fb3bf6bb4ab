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

OVERHEAD_SECONDS = 30  # what is not training, on a small corpus

# Racing: seeds of a candidate at each look, and what a p-value must stay below there, divided by the candidates.
# They sum to .05, so that all looks together are wrong as often as one test (`benchmarks/verdicts.py`).
LOOKS = ((3, 0.01), (5, 0.015), (8, 0.025))
RACE_VERSION = 3  # raise it when a look decides differently

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
    tokens_a_second: int = 20_000  # of one training: on one thread of two busy cores; of gpu, on one GPU
    # held-out bytes that a run is scored on, where a recipe does not say it: about a fifth of what its training costs
    scored: int | None = None
    scored_a_second: int = 40_000  # on one thread
    checkpoint_bytes: int = 20_000_000  # what a run keeps on disk
    placebo: bool = False  # run one where arms repeat their text differently
    rates: tuple[float, ...] = ()  # times the learning rate, at which the order of the arms is checked
    rate_seeds: int = 3
    micro_batch: int | None = None  # tokens a pass
    device: str = "cpu"  # cuda: refused where there is none

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with this budget's model, training length and vocabulary, and what it scores if that says nothing."""
        if recipe.model.family != "gpt":
            raise RecipeError(
                f"model.family is {recipe.model.family}; a comparison trains its budget's gpt models, whose likelihoods "
                "can be ranked: leave `model` out"
            )
        train = {"tokens": self.tokens, "batch": self.batch, "checkpoint_every": 50 * self.batch}
        if self.micro_batch is not None:
            train["micro_batch"] = self.micro_batch
        evaluate = recipe.evaluate
        if evaluate.bytes_per_unit is None and evaluate.max_bytes is None:
            evaluate = evaluate.model_copy(update={"max_bytes": self.scored})
        return recipe.model_copy(
            update={
                "model": ModelSettings(preset=self.preset),
                "train": recipe.train.model_copy(update=train),
                "tokenizer": recipe.tokenizer.model_copy(update={"vocabulary": self.vocabulary}),
                "evaluate": evaluate,
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

    def trainings(self, candidates: int, *, race: bool = False) -> int:
        """At most: a race may need fewer, and placebos are only for arms that repeat differently."""
        seeds = self.most_seeds("candidate", race)
        checks = len(self.rates) * self.rate_seeds * (1 + candidates)
        return self.most_seeds("baseline", race) + candidates * seeds + checks

    def most_seeds(self, role: str, race: bool) -> int:
        if not race:
            return self.seeds(role)
        return max(self.seeds_baseline, LOOKS[-1][0]) if role == "baseline" else LOOKS[-1][0]

    def seconds(self, trainings: int, slots: int, scored: float) -> float:
        """Of the clock, where every run is scored on so many bytes."""
        run = self.tokens / self.tokens_a_second + scored / self.scored_a_second
        return OVERHEAD_SECONDS + -(-trainings // slots) * run

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("demo", 500_000, 6, 3, 1, "modern-nano", 1024, 2048, 0.01, scored=300_000),
        Budget("quick", 2_000_000, 6, 3, 2, "modern-nano", 1024, 4096, 0.01, scored=1_000_000, placebo=True),
        Budget(
            "standard", 5_000_000, 10, 5, 4, "modern-micro", 1024, 8192, 0.005, tokens_a_second=12_000,
            scored=2_000_000, scored_a_second=25_000, checkpoint_bytes=40_000_000, placebo=True, rates=(0.25, 4.0),
        ),
        # 25M parameters without embeddings, 20 tokens a parameter
        Budget(
            "gpu", 500_000_000, 6, 3, 4, "modern-medium", 16_384, 131_072, 0.005, tokens_a_second=200_000,
            scored=1_000_000, scored_a_second=2_000, checkpoint_bytes=600_000_000, placebo=True, micro_batch=32_768, device="cuda",
        ),
    )
}  # fmt: skip


def find_budget(name: str, candidates: int) -> Budget:
    """Raises RecipeError for an unknown name, and for more candidates than the budget has trainings for."""
    if name not in BUDGETS:
        raise RecipeError(f"there is no budget {name!r}; there are {', '.join(BUDGETS)}")
    budget = BUDGETS[name]
    if not 1 <= candidates <= budget.candidates:
        raise RecipeError(
            f"budget {name} compares a first recipe, the baseline, with {'up to ' * (budget.candidates > 1)}"
            f"{budget.candidates} more; "
            + (
                "name two recipes at least, or vary one: --vary KEY=VALUE, --drop-source NAME, --preset NAME"
                if candidates < 1
                else f"{candidates} are too many: compare the others in runs of their own"
            )
        )
    return budget
