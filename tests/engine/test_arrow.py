"""pyarrow in our own processes does without pandas, and everybody else does with it."""

import subprocess
import sys

import pytest

CODE = """
import sys
from headwater.engine.arrow import leave_pandas_out
leave_pandas_out()
import pyarrow as pa
table = pa.Table.from_pylist([{"text": "河水", "n": 1}])
assert pa.array(["河水", None]).null_count == 1 and "pandas" not in sys.modules
import pandas
assert table.to_pandas()["n"].tolist() == [1]
assert pa.Table.from_pandas(pandas.DataFrame({"x": [1.0, None]})).to_pylist() == [{"x": 1.0}, {"x": None}]
"""


def test_no_list_makes_it_import_pandas_and_pandas_still_works() -> None:
    pytest.importorskip("pandas")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
