"""The names that data sets give their columns, by what stands in them."""

LABELS = ("label", "labels", "label_desc", "class", "category", "sentiment", "gold_label", "cat")
TEXTS = ("text", "sentence", "review", "content", "sentence1", "premise", "question1", "text_a", "abst")
PAIRS = ("pair", "sentence2", "hypothesis", "question2", "text_b", "keyword")
WORDS, TAGS = ("words", "tokens"), ("tags", "ner_tags", "labels")
SOURCES = ("source", "src", "dialogue", "document", "article", "mr", "input", "instruction", "en")
TARGETS = ("target", "tgt", "summary", "highlights", "ref", "output", "response", "answer", "zh")
PASSAGES = ("passage", "context", "article", "content")
QUESTIONS, ANSWERS = ("question",), ("answer", "label")
OPTIONS = ("options", "choices", "choice", "candidates")
IDS = ("id", "idx", "guid")
MESSAGES = "messages"  # of a dialogue: [{"role", "content"}]
# a first line that has one of these is names of columns, not data
HEADS = {
    *LABELS, *TEXTS, *PAIRS, *SOURCES, *TARGETS, *PASSAGES, *QUESTIONS, *IDS, "index", "title",
}  # fmt: skip
