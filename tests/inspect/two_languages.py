"""Texts of drawn words, English and Chinese; every fourth ends in lines of a menu."""

import random

WORDS = {"en": ["river", "water", "night", "boat", "church", "town", "book", "hill", "rain", "stone", "field", "house"],
         "zh": ["河水", "夜里", "起来", "没有", "时候", "教堂", "门口", "册子", "今天", "知道", "山上", "老人"]}  # fmt: skip


def text_of(language: str, number: int) -> str:
    draw = random.Random(f"{language}{number}")
    space, end = (" ", ". ") if language == "en" else ("", "。")
    sentences = [
        space.join(
            draw.choice(WORDS[language]) + (str(draw.randrange(99)) if language == "en" else "")
            for _ in range(8)
        )
        + end
        for _ in range(draw.randrange(2, 20))
    ]
    lines = ["".join(sentences[i : i + 2]).strip() for i in range(0, len(sentences), 2)]
    return "\n".join([*lines, "LOGIN", "3 likes"] if number % 4 == 0 else lines)
