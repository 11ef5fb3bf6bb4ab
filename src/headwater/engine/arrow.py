"""Arrow without pandas. At the first list that pyarrow is given it imports pandas, where that is installed, to ask
whether the list is a Series: .3 CPU seconds and 50 MB in every worker process."""

import sys


def leave_pandas_out() -> None:
    """pyarrow takes pandas to be missing, in this process, which is one of ours; whoever imports pandas still has it,
    and tables still become frames."""
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.meta_path.insert(0, _WithoutPandas)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_WithoutPandas)


class _WithoutPandas:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)
