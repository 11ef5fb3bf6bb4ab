"""`torchrun --nproc-per-node N -m headwater.train JOB.json`: one training by several processes.

JOB.json holds the arguments of `pretrain` and `folder`; `train: {processes: N}` in a recipe writes it and calls this.
"""

import json
import sys
from pathlib import Path

from headwater.errors import HeadwaterError
from headwater.train.pretrain import pretrain


def main() -> None:
    arguments = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        pretrain(arguments.pop("folder"), **arguments)
    except HeadwaterError as error:
        sys.exit(f"headwater: {error}")


if __name__ == "__main__":
    main()
