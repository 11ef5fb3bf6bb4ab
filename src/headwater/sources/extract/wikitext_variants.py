"""Language conversion marks of the Chinese Wikipedia (and others in two scripts): `-{zh-hans:鼠标; zh-hant:滑鼠}-`.

A reader sees one of the texts. `-{text}-` and `-{R|text}-` are text that is not converted; `-{A|…}-` and `-{+|…}-`
are rules shown where they stand, `-{H|…}-`, `-{T|…}-` and `-{-|…}-` ones that are not; `-{D|…}-` shows a rule and
`-{N|zh-tw}-` a variant's name; `-{zh-hans;zh-hant|text}-` is text; `甲=>zh-cn:乙` is 乙 in zh-cn, else 甲. Only the
marks are resolved, the text around them stays in the script that its authors wrote (mediawiki.org, Writing systems).
"""

import re

_MARKED = re.compile(r"-\{[^{}]*+\}-")
_MARK = re.compile(r"-\{|\}-")
_CODE = r"(?:zh|gan|wuu|sr|sh|kk|ku|uz|tg|crh|shi|iu|ike|tly|ban|zgh)(?:-[a-z]++)*"
_NEXT_RULE = re.compile(rf";\s*+(?=(?:[^;:=]*+=>\s*+)?{_CODE}\s*+:)")
_RULE = re.compile(rf"\s*+(?:((?:[^;=]++|=(?!>))*)=>\s*+)?({_CODE})\s*+:(.*)", re.S)
_CODES = re.compile(rf"\s*+{_CODE}\s*+(?:;\s*+{_CODE}\s*+)*(?:;\s*+)?")
_FLAGS = frozenset(["A", "+", "H", "T", "R", "D", "N", "-", "S"])
_FALLBACK = {
    "zh-hans": ("zh-hans", "zh-cn", "zh-sg", "zh-my", "zh"),
    "zh-hant": ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "zh"),
    "zh-cn": ("zh-cn", "zh-hans", "zh-sg", "zh-my", "zh"),
    "zh-sg": ("zh-sg", "zh-my", "zh-hans", "zh-cn", "zh"),
    "zh-my": ("zh-my", "zh-sg", "zh-hans", "zh-cn", "zh"),
    "zh-tw": ("zh-tw", "zh-hant", "zh-hk", "zh-mo", "zh"),
    "zh-hk": ("zh-hk", "zh-mo", "zh-hant", "zh-tw", "zh"),
    "zh-mo": ("zh-mo", "zh-hk", "zh-hant", "zh-tw", "zh"),
}
_NAMES = {
    "zh": "中文", "zh-hans": "简体", "zh-hant": "繁體", "zh-cn": "大陆简体", "zh-tw": "臺灣正體", "zh-hk": "香港繁體",
    "zh-mo": "澳門繁體", "zh-sg": "新加坡简体", "zh-my": "大马简体",
}  # fmt: skip
# Frequent characters that only one of the two scripts has.
_SIMPLIFIED = re.compile(
    "[国学们来时会为这个对发经说义产进动过还现点业关问间长东车见开门马电书话语论证讲议记读让认识谁请谢"
    "资财责贵买卖费质军农写华协单卫历厂厅压县双变号听启员围图场坏块坚声处备复够头奋妇妈娱孙实审将尔层岁"
    "带师帮广应废张强归录彻态总战户执扩报担拥择换据无旧显术机权条极构标树样桥检汉汇济测热爱状独环类线组细织给统续维网罗"
    "联职节苏药虽补规观览计订设访评诉词译试该详调谈赛赵跃车轨转轮软轻载较边达迁运连远选适遗释针铁银错钱闻阳阵际陆难韩页项须顾领题颜风飞饭馆验鱼鸟齐龙]"
)
_TRADITIONAL = re.compile(
    "[國學們來時會為這個對發經說義產進動過還現點業關問間長東車見開門馬電書話語論證講議記讀讓認識誰請謝"
    "資財責貴買賣費質軍農寫華協單衛歷廠廳壓縣雙變號聽啟員圍圖場壞塊堅聲處備復夠頭奮婦媽娛孫實審將爾層歲"
    "帶師幫廣應廢張強歸錄徹態總戰戶執擴報擔擁擇換據無舊顯術機權條極構標樹樣橋檢漢匯濟測熱愛狀獨環類線組細織給統續維網羅"
    "聯職節蘇藥雖補規觀覽計訂設訪評訴詞譯試該詳調談賽趙躍軌轉輪軟輕載較邊達遷運連遠選適遺釋針鐵銀錯錢聞陽陣際陸難韓頁項須顧領題顏風飛飯館驗魚鳥齊龍]"
)
_DEPTH = 20


def resolve(text: str, variant: str) -> str:
    """The text without conversion marks. `variant`: a code such as `zh-hans`, or `auto`: the script that most of the
    page is in, and where that says nothing the first one given."""
    if "-{" not in text:
        return text
    if variant == "auto":
        variant = written_in(_MARKED.sub("", text))
    parts: list[list[str]] = [[]]
    at = 0
    for mark in _MARK.finditer(text):
        parts[-1].append(text[at : mark.start()])
        at = mark.end()
        if mark[0] == "-{":
            parts.append([])
        elif len(parts) == 1:
            parts[0].append("}-")
        else:
            inner = "".join(parts.pop())
            parts[-1].append(_shown(inner, variant) if len(parts) < _DEPTH else "")
    parts[-1].append(text[at:])
    return "".join("".join(level) for level in parts)  # what was not closed loses its mark


def written_in(text: str) -> str:
    """`zh-hans` or `zh-hant`, whichever most of the text is written in; empty where it has neither."""
    simplified, traditional = len(_SIMPLIFIED.findall(text)), len(_TRADITIONAL.findall(text))
    return "" if simplified == traditional else "zh-hans" if simplified > traditional else "zh-hant"


def _shown(inner: str, variant: str) -> str:
    before, bar, rest = inner.partition("|")
    flags: set[str] = set()
    if bar:
        if _CODES.fullmatch(before):
            return _choice(rest, variant)
        flags = {flag.strip().upper() for flag in before.split(";")} & _FLAGS
        if not flags and before.strip():
            return inner
        inner = rest
    if "R" in flags:
        return inner
    if "N" in flags:
        return _NAMES.get(inner.strip().lower(), inner.strip())
    if "-" in flags or "H" in flags or flags == {"T"}:
        return ""
    if "D" in flags:
        rules = _rules(inner)
        return "；".join(f"{_NAMES.get(code, code)}：{text}" for _, code, text in rules) if rules else inner
    return _choice(inner, variant)


def _rules(inner: str) -> list[tuple[str | None, str, str]]:
    """(what a one-way rule is for, the variant, its text); none where the whole is no list of rules."""
    rules = []
    for choice in _NEXT_RULE.split(inner.strip().removesuffix(";")):
        found = _RULE.fullmatch(choice)
        if found is None:
            return []
        rules.append((found[1] and found[1].strip(), found[2], found[3].strip()))
    return rules


def _choice(inner: str, variant: str) -> str:
    rules = _rules(inner)
    if not rules:
        return inner
    texts: dict[str, str] = {}
    for _, code, text in rules:
        texts.setdefault(code, text)
    for code in _FALLBACK.get(variant, (variant,)):
        if code in texts:
            return texts[code]
    one_way = next((source for source, _, _ in rules if source), None)
    return one_way if one_way is not None else rules[0][2]
