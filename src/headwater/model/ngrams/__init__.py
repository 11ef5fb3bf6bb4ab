"""n-gram models over characters, words or subwords: what the signal `perplexity` scores with.

    model = train(lambda: texts, order=5, unit="subword"); model.save(path)
    NgramModel.load(path).lines("源头活水")  ->  nats and units of each line

A line is a sentence, as in CCNet: it begins at BEGIN and ends with END. `units.py` cuts lines, `training.py` counts and
smooths, `tables.py` is the model as it is stored and asked. The byte n-gram of a comparison's first rung is
`model/ngram.py`.
"""

from headwater.model.ngrams.tables import NgramModel
from headwater.model.ngrams.training import SMOOTHINGS, train
from headwater.model.ngrams.units import UNITS

__all__ = ["SMOOTHINGS", "UNITS", "NgramModel", "train"]
