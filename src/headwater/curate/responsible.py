"""The responsible-AI part of Croissant (MLCommons Croissant RAI 1.0): where the text is from and what was done to it.

Every sentence is made from what was counted; what nobody has measured (bias, fitness for a use) is said to be unknown.
"""

from typing import Any

from headwater.curate.training_set import Contents
from headwater.recipe.settings import Recipe

CONTEXT = {"rai": "http://mlcommons.org/croissant/RAI/"}
CONFORMS = "http://mlcommons.org/croissant/RAI/1.0"
# How each kind of source comes to be, in RAI's words.
_COLLECTED = {
    "warc": "Web Scraping",
    "html": "Web Scraping",
    "news": "Web Scraping",
    "forum": "User-Generated Content",
}


def responsible_ai(recipe: Recipe, contents: Contents) -> dict[str, Any]:
    """Properties of the data set, for its JSON-LD."""
    kinds = {source.kind for source in recipe.sources}
    kept, read = sum(contents.documents.values()), sum(contents.read.values())
    left = "; ".join(
        f"{reason or state}: {number}" for (state, reason), number in contents.left.most_common(20)
    )
    dates = [date for first_and_last in contents.dates.values() for date in first_and_last]
    said: dict[str, Any] = {
        "rai:dataCollection": "Read from: "
        + "; ".join(f"{source.name} ({source.kind})" for source in recipe.sources),
        "rai:dataCollectionType": sorted({_COLLECTED.get(kind, "Secondary Data Analysis") for kind in kinds}),
        "rai:dataPreprocessingProtocol": [
            "Unicode NFC; odd spaces, line ends and control characters normalised on the way in",
            f"{read} documents read, {kept} kept, {contents.edited} of them edited"
            + (f"; left out: {left}" if left else ""),
        ],
        "rai:personalSensitiveInformation": _personal(recipe, contents),
        "rai:dataLimitations": "Licences, dates and consent are those that source or record state; nobody has checked "
        "them. Languages are as identified by a classifier.",
        "rai:dataBiases": "Not measured.",
        "rai:dataUseCases": "Training of language models; fitness for any use has not been examined.",
        "rai:dataSocialImpact": "Not examined.",
        "rai:dataReleaseMaintenancePlan": "None stated. The recipe makes the set again from the same sources.",
    }
    if dates:
        said["rai:dataCollectionTimeframe"] = [min(dates), max(dates)]
    return said


def _personal(recipe: Recipe, contents: Contents) -> list[str]:
    settings = recipe.curate.privacy
    if settings is None:
        return ["Nothing was done about personal data."]
    counts = ", ".join(f"{kind} {contents.personal[kind]}" for kind in settings.kinds)
    return [f"Personal data in the texts was found by pattern and {_DONE[settings.how]}: {counts}.",
            "What is written in another form than the patterns know is still there."]  # fmt: skip


_DONE = {"replace": "replaced by its type", "mask": "masked", "surrogate": "replaced by made values"}
