"""Our models in EleutherAI's lm-evaluation-harness, all four families: `--model headwater --model_args run=FOLDER`.

    lm_eval --model headwater --model_args run=workspace/runs/RUN --tasks path/to/headwater/evaluate/tasks/copa.yaml
    python -m headwater.evaluate.harness --model headwater --model_args run=workspace/runs/RUN --tasks arc_easy

The harness knows models that it has in its own list, and has no entry points for others; a module that it imports may
register one. Our task files name functions of ours, so that with one of them (by its path) plain `lm_eval` knows the
name; `python -m headwater.evaluate.harness` is `lm_eval` that knows it from the start.

`loglikelihood` is `likelihood.py`'s, whose numbers for gpt models are those of `--model hf` on the same folder. For
bert, and for whole texts under t5, it is a pseudo-log-likelihood: `get_model_info` says so in the results.
"""

from pathlib import Path
from typing import Any

from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import model_registry, register_model

from headwater.evaluate import task_data
from headwater.evaluate.bits_per_byte import document_nats as nats_left_to_right
from headwater.evaluate.families import document_nats
from headwater.evaluate.scorer import Scorer

NAME = "headwater"
NEW_TOKENS = 256  # that a generation may take where its task does not say


class HeadwaterLM(TemplateLM):  # type: ignore[misc]
    """A run's (or a model folder's) model. What the harness says of batches and devices has no effect: rows of like
    length go together."""

    def __init__(self, run: str | None = None, scorer: Scorer | None = None, **_: Any) -> None:
        super().__init__()
        if scorer is None and run is None:
            raise ValueError("name the run: --model_args run=workspace/runs/RUN (or a model's folder)")
        self.scorer = Scorer.load(Path(run)) if scorer is None else scorer  # type: ignore[arg-type]
        self.cut: set[Any] = set()  # items of a task, by place, whose prompt did not fit

    @property
    def eot_token_id(self) -> int:
        return self.scorer.special.separator

    @property
    def tokenizer_name(self) -> str:
        return NAME

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        return self.scorer.encode(string)

    def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[tuple[float, bool]]:
        return self._scored([text for text, _, _ in requests], [None] * len(requests))

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        del disable_tqdm
        return self._scored([request.args for request in requests], [request.doc_id for request in requests])

    def _scored(self, pairs: list[tuple[str, str]], items: list[Any]) -> list[tuple[float, bool]]:
        scored = self.scorer.score(pairs)
        self.cut.update(item for item, cut in zip(items, scored.cut.tolist(), strict=True) if cut)
        answers = list(zip(scored.log_likelihoods.tolist(), scored.greedy.tolist(), strict=True))
        for pair, answer in zip(pairs, answers, strict=True):
            self.cache_hook.add_partial("loglikelihood", pair, answer)
        return answers

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        """ln P of whole texts, as bits per byte has it: windows overlap."""
        del disable_tqdm
        scorer, texts = self.scorer, [request.args[0] for request in requests]
        tokens = scorer.tokenizer.encode_batch(texts)
        if scorer.family == "gpt":
            nats = nats_left_to_right(scorer.model, tokens, scorer.special.first)
        else:
            nats = document_nats(scorer.model, tokens, texts, scorer.special)
        return [-float(value) for value in nats]

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """Greedy, up to the first of `until`."""
        del disable_tqdm
        answers: dict[int, str] = {}
        alike: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for number, request in enumerate(requests):
            settings = request.args[1]
            if settings.get("do_sample"):
                raise ValueError(
                    "headwater models write greedily here; leave do_sample out of generation_kwargs"
                )
            until = settings.get("until") or []
            ends = (until,) if isinstance(until, str) else tuple(until)
            alike.setdefault((int(settings.get("max_gen_toks", NEW_TOKENS)), ends), []).append(number)
        for (tokens, ends), numbers in alike.items():
            numbers.sort(key=lambda number: len(requests[number].args[0]))
            prompts = [requests[number].args[0] for number in numbers]
            written, cut = self.scorer.write(prompts, new_tokens=tokens, until=ends)
            answers.update(zip(numbers, written, strict=True))
            self.cut.update(requests[n].doc_id for n, short in zip(numbers, cut, strict=True) if short)
        return [answers[number] for number in range(len(requests))]

    def get_model_info(self) -> dict[str, Any]:
        scorer = self.scorer
        return {
            **scorer.about,
            "measure_of_continuations": scorer.measure(whole_texts=False),
            "measure_of_whole_texts": scorer.measure(whole_texts=True),
        }


def dataset(*, files: dict[str, Any], data: str | None = None, **more: Any) -> Any:
    """A task's splits out of local files, as datasets.DatasetDict (task_data.py). Raises HeadwaterError where one is
    missing or a row is none."""
    import datasets

    wanted = {key: more[key] for key in ("format", "shots") if key in more}
    splits = task_data.rows(files=files, data=data, **wanted)
    return datasets.DatasetDict({name: datasets.Dataset.from_list(some) for name, some in splits.items()})


def register() -> None:
    """Makes the name `headwater` known to the harness, once, beside its own: those it lists only where it knows none."""
    import lm_eval.models  # noqa: F401

    if NAME not in model_registry:
        register_model(NAME)(HeadwaterLM)


def main() -> None:
    """`lm_eval`, with our models."""
    from lm_eval.__main__ import cli_evaluate

    register()
    cli_evaluate()


register()

if __name__ == "__main__":
    main()
