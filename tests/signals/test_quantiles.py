"""What is kept with every shard says where a value stands among all of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.signals.quantiles import POINTS, merged, quantiles_of, rank


def sketches(tmp_path, values):
    found = []
    for number, some in enumerate(values):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(
            pa.table({"a.x": pa.array(some, pa.float64()), "a.n": pa.nulls(len(some), pa.int64())}), path
        )
        found.append(quantiles_of(path, ["a.x", "a.n"]))
    assert all("a.n" not in one for one in found)
    return [one["a.x"] for one in found if "a.x" in one]


def test_ranks_and_quantiles_over_shards_of_different_sizes(tmp_path):
    draw = np.random.default_rng(0)
    values = [draw.normal(5, 2, 3000), draw.exponential(3, 400), draw.normal(9, 1, 37)]
    kept = sketches(tmp_path, [some.tolist() for some in values])
    everything = np.concatenate(values)
    for share in (0.02, 0.25, 0.5, 0.9, 0.98):
        value = np.quantile(everything, share)
        assert rank(value, kept) == pytest.approx(share, abs=1.5 / POINTS)
        assert rank(merged(kept, [share])[0], kept) == pytest.approx(share, abs=1.5 / POINTS)


def test_equal_values_count_half_and_nothing_measured_is_none(tmp_path):
    kept = sketches(tmp_path, [[0.0] * 100, [float("nan"), None]])
    assert rank(0.0, kept) == 0.5 and rank(-1.0, kept) == 0 and rank(1.0, kept) == 1
    assert kept[0]["mean"] == 0 and rank(0.0, []) is None and merged([], [0.5]) == []
