"""`headwater train-ngram`, `headwater train-classifier`: the models that signals are measured with."""

from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import print_result, workers_option

PLACES = click.Path(path_type=Path)


@click.command("train-ngram")
@click.argument("places", metavar="RECIPE|FILE|FOLDER...", nargs=-1, required=True, type=PLACES)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The model.")
@click.option("--order", type=click.IntRange(2, 8), default=5, show_default=True, help="Units of an n-gram.")
@click.option(
    "--unit", type=click.Choice(["subword", "word", "character"]), default="subword", show_default=True
)
@click.option(
    "--smoothing",
    type=click.Choice(["kneser-ney", "witten-bell", "stupid-backoff"]),
    default="kneser-ney",
    show_default=True,
)
@click.option("--vocabulary", type=int, default=32_768, show_default=True, help="Subwords to learn.")
@click.option(
    "--quantiles-of",
    multiple=True,
    type=PLACES,
    metavar="PLACE",
    help="What percentiles are taken among (default: documents held out of the training).",
)
@workers_option()
@click.option("--json", "as_json", is_flag=True, help="Print what the model says of itself as JSON.")
def train_ngram(
    places: tuple[Path, ...],
    out: Path,
    order: int,
    unit: str,
    smoothing: str,
    vocabulary: int,
    quantiles_of: tuple[Path, ...],
    workers: int | None,
    as_json: bool,
) -> None:
    """Train an n-gram model, for the signal `perplexity`.

    Texts are the training documents of recipes (.yaml), or files and folders of txt, md, jsonl, csv, parquet. In a
    recipe: `signals: {perplexity: {models: {zh: OUT}}}` gives perplexity.document, .percentile, .bucket, .lines.
    """
    about = api.train_ngram(
        places, out, order=order, unit=unit, smoothing=smoothing, vocabulary=vocabulary, quantiles_of=quantiles_of, workers=workers
    )  # fmt: skip
    lines = [
        f"{about['texts']:,} texts, {about['text_bytes'] / 1e6:,.1f} MB, {about['units']:,} units ({unit})",
        "n-grams   " + ", ".join(f"{n}: {count:,}" for n, count in enumerate(about["ngrams"], 1)),
    ]
    if quantiles := about.get("quantiles"):
        lines.append(
            f"perplexity of {about['heldout_texts']:,} texts ({about['quantiles_of']}): "
            + ", ".join(f"{q}% {quantiles[q]:,.0f}" for q in (10, 30, 50, 60, 90))
            + f"; {about['heldout_bits_per_byte']:.3f} bits per byte"
        )
    print_result(about, as_json, [*lines, f"model     {out}"])


@click.command("train-classifier")
@click.option(
    "--positive",
    multiple=True,
    required=True,
    type=PLACES,
    metavar="PLACE",
    help="Good texts; may be repeated.",
)
@click.option(
    "--negative",
    multiple=True,
    required=True,
    type=PLACES,
    metavar="PLACE",
    help="The others; may be repeated.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The model.")
@click.option("--bits", type=click.IntRange(10, 26), default=20, show_default=True, help="2^BITS weights.")
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@workers_option()
@click.option("--json", "as_json", is_flag=True, help="Print what the model says of itself as JSON.")
def train_classifier(
    positive: tuple[Path, ...],
    negative: tuple[Path, ...],
    out: Path,
    bits: int,
    epochs: int,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Train a quality classifier on good and other texts.

    PLACE is a recipe (.yaml) or a file or folder of txt, md, jsonl, csv, parquet. In a recipe: `signals: {classifiers:
    {quality: {model: OUT}}}` gives quality.score and quality.keep. One document in ten is held out; the table says
    what share of these would be kept, by source, language and register (a column `register` or `genre`, or what
    `columns: {register: …}` names): what the classifier costs in diversity.
    """
    from headwater.inspect.visible import one_line

    about = api.train_classifier(
        positive, negative, out, bits=bits, epochs=epochs, seed=seed, workers=workers
    )
    lines = [f"{about['positive']:,} positive and {about['negative']:,} negative texts, 2^{bits} weights"]
    if "auc" in about:
        lines.append(f"AUC on held-out texts: {about['auc']:.4f}")
    lines.append(f"{'held-out texts':<34} {'texts':>7}  mean score  kept ≥ .5  kept by Pareto")
    for row in about["kept"]:
        name = one_line(f"{row['of']}, {row['by']} {row['name']}")
        lines.append(
            f"{name:<34} {row['documents']:>7,}  {row['mean_score']:>10.3f}  {row['kept_by_threshold']:>9.1%}"
            f"  {row['kept_by_pareto']:>14.1%}"
        )
    print_result(about, as_json, [*lines, f"model     {out}"])
