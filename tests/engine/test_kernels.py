"""A kernel is compiled when it is first called, and anew when anything that is compiled into it changes."""

import subprocess
import sys
import types

import numpy as np
import pytest

from headwater.engine.kernels import kernel

OTHER = """
import numpy as np
from headwater.engine.kernels import inlined, kernel
TABLE, STEP = np.arange(4), {step}
@inlined
def twice(number):
    return {inner}
@kernel
def above(number):
    return twice(number) + TABLE[1] + STEP
"""


def written(step="3", inner="number * 2"):
    module = types.ModuleType("other")
    exec(OTHER.format(step=step, inner=inner), module.__dict__)
    return module


def test_what_is_compiled_into_a_kernel_is_in_its_name():
    digests = {
        written().above.digest,
        written(step="4").above.digest,
        written(inner="number * 3").above.digest,
    }
    assert len(digests) == 3
    assert written().above.digest in digests
    changed = written()
    changed.TABLE[1] = 7
    assert changed.above.digest not in digests


def test_a_name_does_not_change_when_a_kernel_that_it_calls_was_compiled_before():
    from headwater.sources.extract import blocks, scan, tokens

    tokens.find_byte(np.frombuffer("<p>源头</p>".encode(), np.uint8), 0, 9, 60)
    first = scan.scan.digest
    blocks.blocks_of("<p>源头</p>")
    del scan.scan.digest  # kept from the first time
    assert scan.scan.digest == first
    assert scan.scan.compiled.py_func.__qualname__.endswith(first)


def test_a_global_that_is_no_constant_is_refused():
    module = types.ModuleType("other")
    exec("NAMES = ['源头']\ndef first():\n    return NAMES[0]", module.__dict__)
    with pytest.raises(TypeError, match="no constant"):
        _ = kernel(module.first).digest


def test_nobody_loads_numba_who_calls_no_kernel():
    code = (
        "import sys, headwater.pipeline.summary, headwater.sources.warc, headwater.signals.repetition, "
        "headwater.signals.minhash, headwater.curate.duplicates.near, headwater.model.ngram\n"
        "from headwater.sources.extract.main_text import version; version()\n"
        "print(sorted({'numba', 'scipy.special', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_kernel_runs_without_scipys_linear_algebra_which_can_be_had_after_it():
    code = (
        "import sys\nfrom headwater.sources.extract import tokens\nimport numpy as np\n"
        "print(tokens.find_byte(np.frombuffer('源<p>'.encode(), np.uint8), 0, 6, 60), 'scipy.linalg' in sys.modules)\n"
        "import scipy.linalg.cython_blas"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3 False\n"
