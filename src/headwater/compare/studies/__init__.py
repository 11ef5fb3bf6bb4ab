"""The tool held against the literature: `headwater study NAME`.

A study declares its question, what is expected and whether it is confirmatory before it runs. It trains like a
comparison, keeps the scores of every unit (`recorded/<name>.json`), and its finding is a function of that record: tests
repeat it without training anything. A finding against the expectation is recorded as it is.

To add one: a file with a `STUDY`, a line in STUDIES, and its record, made by `headwater study NAME --record`.
"""

from headwater.compare.studies import (
    aa,
    contamination,
    diversity,
    domain,
    memorisation,
    negative_control,
    noise,
    objective,
    pretraining,
    quality,
    repetition,
    scale,
    time,
    tokeniser,
)
from headwater.compare.studies.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (
        aa, domain, diversity, quality, repetition, memorisation, contamination, noise, tokeniser, pretraining,
        objective, time, scale, negative_control
    )
}  # fmt: skip
