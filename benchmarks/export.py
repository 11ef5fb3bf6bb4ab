"""An export read back by the tools that it is for: Hugging Face's datasets, and mlcroissant, which also validates it.

    ./run bench export [--books 4]

English and Chinese books are curated and exported as JSON lines, Parquet and a Hub's data set; every text must come
back the same, in the same order. Megatron's and nanoGPT's files are read in tests/pipeline/test_export.py.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from peers import ask, data_folder, environment

from headwater import api
from headwater.pipeline.curation import final_texts

PEER = ["datasets", "mlcroissant"]
RECIPE = """\
sources:
  - {name: books, kind: books, paths: ["*"]}
holdout: {share: 0}
tokenizer: {vocabulary: 1000}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--books", type=int, default=4, help="of each language")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        for language in ("novels-en", "books-zh"):
            books = sorted((data_folder() / "corpora/books" / language).glob("*.txt.gz"))
            for book in books[: options.books]:
                shutil.copy(book, folder / "in")
        recipe = folder / "in" / "recipe.yaml"
        recipe.write_text(
            RECIPE.replace('"*"', '"*.txt.gz"').replace("sources", f"workspace: {folder}/w\nsources")
        )
        outcome = api.curate(recipe)
        assert outcome.curated is not None
        curated = outcome.curated
        texts = [text for shard in sorted(curated.shards) for _, text in final_texts(curated, shard)]
        question = {"cache": str(folder / "cache")}
        for name in ("jsonl", "parquet", "datasets"):
            question[name] = str(folder / name)
            api.export(recipe, format=name, out=folder / name)
        answer = ask(
            environment("datasets", PEER), Path(__file__).parent / "peers" / "export_readers.py", question
        )
        print(f"{len(texts):,} documents, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB")
        for name in ("jsonl", "parquet", "datasets"):
            croissant = answer["croissant"][name] == texts and not answer["errors"][name]
            print(
                f"  {name:<9} datasets: {'the same texts' if answer[name] == texts else 'OTHER TEXTS'}; mlcroissant: "
                + ("valid, the same texts" if croissant else f"FAILS {answer['errors'][name]}")
            )


if __name__ == "__main__":
    main()
