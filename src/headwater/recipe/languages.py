"""The codes of languages that a document may be measured to be in: the labels of lid.176, and `und` for none."""

_LID_176 = """
af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da
de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id
ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn
mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue
sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo
wa war wuu xal xmf yi yo yue zh
"""
CODES = frozenset(("und", *_LID_176.split()))
# codes of countries and of other standards that people write for them
_MEANT = {
    "cn": "zh", "chi": "zh", "zho": "zh", "cmn": "zh", "tw": "zh", "hk": "zh", "eng": "en", "gb": "en", "us": "en",
    "jp": "ja", "jpn": "ja", "kor": "ko", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "rus": "ru",
}  # fmt: skip


def no_language(code: str) -> str:
    """What to say of a code that no document is measured to be in."""
    meant = (
        f"did you mean {_MEANT[code]}?"
        if code in _MEANT
        else "codes are those of lid.176: en, zh, de, ja, yue, …"
    )
    return f"no document is measured to be in a language {code!r}; {meant}"
