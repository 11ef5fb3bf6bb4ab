r"""What \ref and \cite print: simple counters of sections, formulas, floats and theorems, and citations in order."""

from dataclasses import dataclass, field

_LEVELS = {"chapter": 0, "section": 1, "subsection": 2, "subsubsection": 3}


@dataclass
class Numbers:
    labels: dict[str, str] = field(default_factory=dict)
    current: str = ""  # what a label names here
    appendix: bool = False
    sections: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    counters: dict[str, int] = field(default_factory=dict)
    _cited: dict[str, int] = field(default_factory=dict)

    def section(self, name: str) -> None:
        level = _LEVELS.get(name)
        if level is None:
            return
        self.sections[level] += 1
        self.sections[level + 1 :] = [0] * (3 - level)
        self.current = self.section_number()

    def section_number(self) -> str:
        numbers = [number for number in self.sections if number]
        top = (
            chr(64 + min(numbers[0], 26)) if self.appendix and numbers else str(numbers[0]) if numbers else ""
        )
        return ".".join([top, *map(str, numbers[1:])]) if numbers else ""

    def begin_appendix(self) -> None:
        self.appendix, self.sections = True, [0, 0, 0, 0]

    def step(self, counter: str, within: str | None = None) -> str:
        """The next number of a counter, with the section's before it where it is counted within sections."""
        key = counter
        if within in _LEVELS:
            prefix = ".".join(str(n) for n in self.sections[: _LEVELS[within] + 1] if n)
            key = f"{counter}\0{prefix}"
            self.counters[key] = self.counters.get(key, 0) + 1
            self.current = f"{prefix}.{self.counters[key]}" if prefix else str(self.counters[key])
        else:
            self.counters[key] = self.counters.get(key, 0) + 1
            self.current = str(self.counters[key])
        return self.current

    def label(self, key: str) -> None:
        if self.current:
            self.labels[key] = self.current

    def cited(self, key: str) -> int:
        return self._cited.setdefault(key, len(self._cited) + 1)

    @staticmethod
    def named(marks: str, *, capital: bool) -> str:
        r"""What \cref prints: the kind of thing is guessed from the label's prefix."""
        prefix = marks.strip("\x01").partition(":")[0].lower()
        kind = {
            "fig": "figure", "tab": "table", "eq": "equation", "sec": "section", "thm": "theorem", "lem": "lemma",
            "alg": "algorithm", "app": "appendix", "def": "definition", "prop": "proposition", "cor": "corollary",
            "subsec": "section", "sub": "section", "ch": "chapter", "table": "table", "figure": "figure",
        }.get(prefix, "")  # fmt: skip
        return f"{kind.capitalize() if capital else kind} {marks}".strip()
