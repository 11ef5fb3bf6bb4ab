"""Our models in lm-evaluation-harness: the same numbers as its own `hf` model on the same folder."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headwater.evaluate import harness_tasks

pytest.importorskip("lm_eval")
Folders = Callable[[str], Path]


def requests_of(name: str, data: Path, shots: int) -> list[Any]:
    task = harness_tasks.load(name, str(data))
    task.config.num_fewshot = shots
    task.sampler.set_rnd(0)
    task.build_all_requests(limit=12)
    return list(task.instances)


@pytest.mark.parametrize("kind", ["llama-nano", "gpt2-nano"])
def test_log_likelihoods_are_those_of_the_hf_model(
    kind: str, model_folders: Folders, task_data: Path
) -> None:
    from lm_eval.models.huggingface import HFLM

    from headwater.evaluate.harness import HeadwaterLM

    folder = model_folders(kind)
    ours, theirs = HeadwaterLM(run=str(folder)), HFLM(pretrained=str(folder), device="cpu", batch_size=4)
    for name, shots in (("blimp", 0), ("copa", 3), ("xcopa_zh", 1), ("lambada", 0)):
        requests = requests_of(name, task_data, shots)
        for mine, other in zip(
            ours.loglikelihood(requests), theirs.loglikelihood(requests, disable_tqdm=True), strict=True
        ):
            assert mine[0] == pytest.approx(other[0], abs=1e-3) and mine[1] == other[1]
    texts = [SimpleNamespace(args=("源头活水来。The river",)), SimpleNamespace(args=("问渠那得清如许？",))]
    for mine, other in zip(
        ours.loglikelihood_rolling(texts), theirs.loglikelihood_rolling(texts, disable_tqdm=True), strict=True
    ):
        assert mine == pytest.approx(other, abs=1e-3)
    asked = [
        SimpleNamespace(args=(prompt, {"until": ["水"], "max_gen_toks": 12, "do_sample": False}), doc_id=0)
        for prompt in ("The river has", "源头活水来，", "Python 3 的文档：用 print() 打印“你好”。" * 3)
    ]
    assert ours.generate_until(asked) == theirs.generate_until(asked, disable_tqdm=True)


@pytest.mark.slow
def test_the_harness_finds_the_name_from_our_task_files(model_folders: Folders, task_data: Path) -> None:
    """`lm_eval` knows no model of ours until a task file names a function of ours; ours always does."""
    code = (
        "import sys; from lm_eval.config.evaluate_config import EvaluatorConfig; from lm_eval.api import registry;"
        "assert 'headwater' not in registry.model_registry;"
        "EvaluatorConfig(tasks=[sys.argv[1]]).process_tasks({'data': '.'});"
        "assert registry.get_model('headwater').__name__ == 'HeadwaterLM';"
        "assert registry.get_model('hf').__name__ == 'HFLM'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(harness_tasks.task_file("copa"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
