"""A comparison.json made up by code: its numbers mean nothing, its form is that of a real one."""

import math
from typing import Any

BASE = {"docstrings": (2.61, "en", 41), "novels": (2.34, "en", 18), "小说": (2.92, "zh", 14)}
EFFECT = {"docstrings": -3.4, "novels": -1.1, "小说": 0.4}


def comparison(baseline: str = "raw", arm: str = "curated", hostile: str = "") -> dict[str, Any]:
    """Two arms on three domains; `hostile` is put wherever a person's or a document's text may stand."""
    domains = [
        {"name": name + hostile, "language": language, "weight": weight, "units": units, "documents": 3 * units,
         "bytes": 21_000 * units}
        for (name, (_, language, units)), weight in zip(BASE.items(), (0.25, 0.25, 0.5), strict=True)
    ]  # fmt: skip
    arms = []
    for name, role, seeds in ((baseline, "baseline", 6), (arm, "candidate", 3)):
        factor = {k: 1 + (EFFECT[k] / 100 if role == "candidate" else 0) for k in BASE}
        runs = [_run(seed, role, factor, hostile) for seed in range(seeds)]
        arms.append({
            "name": name, "role": role, "recipe": f"{name}.yaml", "documents": 289 if role == "baseline" else 262,
            "bytes": 4_310_000 if role == "baseline" else 2_980_000, "tokens": 1_430_000 if role == "baseline" else 1_010_000,
            "epochs": 0.35 if role == "baseline" else 0.5,
            "languages": {"en": {"documents": 240, "bytes": 2_500_000}, "zh": {"documents": 22, "bytes": 480_000}},
            "sources": {"pydoc": {"documents": 262, "bytes": 2_980_000}},
            "reasons": {} if role == "baseline" else {"near_duplicate": 19, "edited_empty": 5, "gopher_words" + hostile: 3},
            "settings_diff": [] if role == "baseline" else [
                {"key": "curate.lines" + hostile, "baseline": None, "arm": {"repeated": 2, "refinedweb": True}},
                {"key": "curate.duplicates.near.similarity", "baseline": None, "arm": 0.8}],
            "runs": runs, "ngram": {"score": 0.96, "domains": {k + hostile: b * 1.04 for k, (b, _, _) in BASE.items()}},
        })  # fmt: skip
    rows = [
        {"name": name + hostile, "percent": EFFECT[name], "interval": [EFFECT[name] - 1.0 - k * 0.35, EFFECT[name] + 1.0 + k * 0.35],
         "bits_baseline": bits, "bits_arm": bits * (1 + EFFECT[name] / 100)}
        for k, (name, (bits, _, _)) in enumerate(BASE.items())
    ]  # fmt: skip
    return {
        "format": 2, "hash": "5f0c2a77d1e94b1f" + hostile,
        "budget": {"name": "demo", "tokens": 500_000, "seeds_baseline": 6, "seeds_candidate": 3},
        "matching": {"name": "token", "compute": True, "repeats": True, "epochs": {baseline: 1.2, arm + hostile: 1.7}},
        "placebos": [{"arm": arm + hostile, "share": 0.7, "percent": 0.4, "interval": [-0.2, 1.0], "verdict": "cannot tell",
                      "smallest_visible": 1.1, "against": {"percent": -2.8, "interval": [-3.9, -1.7], "verdict": "helps",
                      "smallest_visible": 1.4}}],
        "rates": {"checked": [0.25, 4.0], "arms": [{"arm": arm + hostile, "flips": False, "effects": [
            {"factor": factor, "percent": -2.0, "interval": [-3.0, -1.0], "verdict": "helps", "smallest_visible": 1.2}
            for factor in (0.25, 1.0, 4.0)]}]},
        "race": [{"seeds": 3, "alpha": 0.01, "candidates": [{"arm": arm + hostile, "p": 0.02, "decided": False}]}],
        "margin": 0.01, "labels": ["this corpus"],
        "sentence": {
            "en": f"{arm} helps: −2.4% [−3.6, −1.2] bits per byte over 3 domains, worst domain 小说 +0.4%; A/A +0.3%; "
            "smallest visible difference 1.6%; the n-gram agrees (−4.7%) (this corpus).",
            "zh": f"{arm} 有益：每字节比特数 −2.4% [−3.6, −1.2]，共 3 个领域，最差的领域 小说 +0.4%；A/A +0.3%；可见的最小差别 1.6%；"
            "n-gram 一致（−4.7%）（仅就本语料而言）。"},
        "domains": domains, "arms": arms,
        "candidates": [{
            "arm": arm, "verdict": "helps", "negligible": False, "effect": -0.0243, "percent": -2.4,
            "level": 0.95, "interval": [-3.6, -1.2], "interval90": [-3.35, -1.45], "p": 0.0014, "p_holm": 0.0014, "df": 9.4,
            "smallest_visible": 1.62, "seeds_needed": None, "probability_better": 0.9993, "domains": rows,
            "worst_domain": {"name": "小说" + hostile, "percent": 0.4}, "ngram_percent": -4.7, "ngram_agrees": True}],
        "aa": {"percent": 0.3, "interval": [-1.1, 1.7], "verdict": "cannot tell", "seeds": [[0, 2, 4], [1, 3, 5]]},
        "matrix": {"rows": ["docstrings", "novels", "小说" + hostile], "columns": ["docstrings", "novels", "小说"],
                   "bits": [[2.61, 3.02, 6.9], [3.11, 2.34, 6.7], [4.71, 4.6, 2.92]], "model": "byte 5-gram"},
        "proxy": {"beats_ngram": True, "bits_transformer": 2.431, "bits_ngram": 2.744},
        "recipes": {f"{baseline}.yaml": f"name: {baseline}\n# 注释{hostile}\nsources: []\n",
                    f"{arm}.yaml": f"name: {arm}\ncurate:\n  lines: {{repeated: 2}}\n"},
        "command": f"headwater compare {baseline}.yaml {arm}.yaml --budget demo",
    }  # fmt: skip


def _run(seed: int, role: str, factor: dict[str, float], hostile: str) -> dict[str, Any]:
    wave = 0.004 * math.sin(7 * seed + (role == "candidate"))
    curve = [
        [8192 * (k + 1), 4.9 + 5.2 * math.exp(-k / 7) + 0.03 * math.sin(k + seed) - 0.7 * k / 61 + 40 * wave
         - (0.25 if role == "candidate" else 0)]
        for k in range(61)
    ]  # fmt: skip
    bits = {name: value * factor[name] * (1 + wave) for name, (value, _, _) in BASE.items()}
    return {
        "seed": seed, "run": f"run-{role}-{seed}", "curve": curve,
        "score": 0.25 * math.log(bits["docstrings"]) + 0.25 * math.log(bits["novels"]) + 0.5 * math.log(bits["小说"]),
        "domains": {name + hostile: value for name, value in bits.items()},
    }  # fmt: skip
