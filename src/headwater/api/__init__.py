"""The commands as Python functions, under the same names: `from headwater import api`.

    outcome = api.run("recipe.yaml", overrides=["train.tokens=1M"])
    comparison = api.compare(["raw.yaml", "curated.yaml"], budget="quick")
    api.sql("workspace", "select reason, count(*) from ledger group by all")

(They are not in `headwater` itself, where `compare`, `train` and `evaluate` are rooms.) Errors are those of
`headwater.errors`. Nothing heavy is imported before a function that needs it is called.
"""

from headwater.api.comparisons import compare, history, study
from headwater.api.models import (
    chat,
    compare_tokenizers,
    curves,
    evaluate_tasks,
    explain,
    finetune,
    label_curve,
    task_card,
    train_classifier,
    train_ngram,
    worked_example,
)
from headwater.api.recipes import (
    curate,
    demo,
    evaluate,
    export,
    fetch,
    fetch_pages,
    ingest,
    init,
    measure,
    run,
    train,
)
from headwater.api.workspaces import (
    audit,
    contamination,
    doctor,
    gc,
    names_page,
    preview,
    preview_page,
    profile,
    report,
    sql,
    status,
    verify,
    whatif,
    why,
    workspace_place,
)

__all__ = [
    "audit",
    "chat",
    "compare",
    "compare_tokenizers",
    "contamination",
    "curate",
    "curves",
    "demo",
    "doctor",
    "evaluate",
    "evaluate_tasks",
    "explain",
    "export",
    "fetch",
    "fetch_pages",
    "finetune",
    "gc",
    "history",
    "ingest",
    "init",
    "label_curve",
    "measure",
    "names_page",
    "preview",
    "preview_page",
    "profile",
    "report",
    "run",
    "sql",
    "status",
    "study",
    "task_card",
    "train",
    "train_classifier",
    "train_ngram",
    "verify",
    "whatif",
    "why",
    "worked_example",
    "workspace_place",
]
