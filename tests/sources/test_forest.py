"""The page model's trees, a block of rows at a time, against one row and one node at a time."""

import numpy as np
import pytest

from headwater.sources.extract.forest import FIRST, HOPELESS, shipped


def walked(forest, row):
    total = 0.0
    for tree, root in enumerate(forest.roots.tolist()):
        if tree == FIRST and total <= HOPELESS:
            break
        node = root
        while forest.feature[node] >= 0:
            at_most = float(row[forest.feature[node]]) <= forest.threshold[node]
            node = forest.left[node] if at_most else forest.right[node]
        total += forest.threshold[node]
    return total


@pytest.mark.parametrize("rows", [0, 1, 9, 300])
def test_rows_of_a_block_are_scored_as_each_alone(rows):
    forest = shipped()
    draw = np.random.default_rng(rows)
    matrix = draw.normal(0, 3, (rows, int(forest.feature.max()) + 40)).astype(np.float32)
    inner = np.flatnonzero(forest.feature >= 0)
    for row in range(
        rows
    ):  # at thresholds, just above and just below, where rounding would show; and without a value
        for node in draw.choice(inner, 60 if rows < 10 else 6):
            at = np.float32(forest.threshold[node])
            matrix[row, forest.feature[node]] = draw.choice([at, np.nextafter(at, np.float32(9e9)), np.nan])
    wanted = [walked(forest, row) for row in matrix]
    found = forest(matrix)
    assert found.dtype == np.float32 and found.shape == (rows,)
    assert found.tolist() == (1 / (1 + np.exp(-np.array(wanted, np.float64)))).astype(np.float32).tolist()
