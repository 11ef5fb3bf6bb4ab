"""Text from the crawl is shown as it is and commands nothing."""

from headwater.inspect.visible import one_line, visible, width


def test_controls_and_hidden_characters_are_seen() -> None:
    assert visible("\x1b[2J\x07\x7f\x9b") == "␛[2J␇␡⟨U+009B⟩"
    assert visible("a\u202eb\u2066c\ufeff\u200b") == "a⟨U+202E⟩b⟨U+2066⟩c⟨U+FEFF⟩⟨U+200B⟩"
    assert visible("x\ud800y\r\u2028") == "x⟨U+D800⟩y␍⟨U+2028⟩"


def test_what_scripts_need_stays() -> None:
    for text in ("源头：“漢語”，一二三。\n第二行\t。", "می\u200cخواهم", "👩\u200d💻", "e\u0301"):
        assert visible(text) == text


def test_one_line_and_its_width() -> None:
    assert one_line("第一行\n第二行", 9) == "第一行⏎…"
    assert width("源头 ab") == 7
