"""Names and addresses by dictionary and pattern. They find what is written in a form that tells, and miss the rest.

    English   Mr. Ada Smith, My name is Rubija, Name: …; a given name of the US Census of 1990 before a capitalised
              word; `24 Clarke Avenue, Apt. 3`
    Chinese   姓名：王小明, 我叫…, 联系人：…; a surname and one or two characters before 先生, 女士, 老师 …;
              北京市海淀区中关村大街27号院3号楼501室

Without a model of the language a name in a running sentence that none of these forms holds is not found, and a
character of a novel is. Their scores are low, and a recipe masks them only where it asks for them.
"""

import re
from functools import cache
from importlib.resources import files

from headwater.corpus.text import HAN
from headwater.signals.privacy.runs import SPAN

_SURNAMES = frozenset(  # the most frequent of the People's Republic, Taiwan and Hong Kong, in both scripts
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖蕭萧田董潘袁蔡"
    "蒋蔣余于杜叶葉程魏苏蘇吕呂丁任卢盧姚沈钟鐘姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付方邹鄒熊白孟秦邱侯江尹薛闫雷龙龍史陶贺"
    "賀毛段郝顾顧龚龔邵万萬覃武钱錢戴严嚴莫孔向常汤湯康易乔喬赖賴文庞龐樊殷施洪翟安颜顏倪牛温溫芦季俞章鲁魯葛伍申尤毕畢聂聶"
    "柴焦岳齐齊沿梅庄莊辛管祝左涂谷时時舒耿牟卜詹关關苗凌费費纪紀靳盛童欧歐甄项項曲成游阳陽裴席卫衛查屈鲍鮑霍翁隋植甘景薄单單"
    "包司柏宁寧柯阮桂闵閔解强強柳冉"
)
_COMPOUND = frozenset(
    [
        "欧阳",
        "歐陽",
        "司马",
        "司馬",
        "上官",
        "诸葛",
        "諸葛",
        "司徒",
        "令狐",
        "皇甫",
        "尉迟",
        "尉遲",
        "公孙",
        "公孫",
        "慕容",
        "夏侯",
        "东方",
        "東方",
        "宇文",
        "长孫",
        "长孙",
        "端木",
    ]
)
_TITLES_ZH = ("先生", "女士", "小姐", "老师", "老師", "教授", "医生", "醫生", "同志", "律师", "律師")
_BEFORE_ZH = (
    "姓名",
    "我叫",
    "名叫",
    "联系人",
    "聯絡人",
    "收件人",
    "寄件人",
    "户名",
    "戶名",
    "申请人",
    "申請人",
)
_TITLES = ("Mr.", "Mr ", "Mrs", "Ms.", "Ms ", "Miss ", "Dr.", "Dr ", "Prof")
_BEFORE = ("name is ", "Name: ", "name: ", "NAME: ")
CUES = (*_TITLES_ZH, *_BEFORE_ZH, *_TITLES, *_BEFORE)

_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿĀ-ſ'’-]{1,24}"
_NAME = re.compile(
    rf"(?:{_CAPITALISED})(?: (?:[A-Z]\.|(?:van|von|de|da|del|bin|al)(?= )|{_CAPITALISED})){{0,3}}"
)
_AFTER_TITLE = re.compile(
    rf"(?:Mrs|Miss|Mr|Ms|Dr|Prof(?:essor)?)\.? ({_CAPITALISED}(?: (?:[A-Z]\. )?{_CAPITALISED}){{0,2}})"
)
_SURNAME = re.compile(rf" (?:[A-Z]\. )?({_CAPITALISED})")
_HAN_NAME = re.compile(rf"[：:\s]{{0,3}}([{HAN}]{{2,4}})(?![{HAN}])")
_NOT_SURNAMES = frozenset(
    [
        "The",
        "And",
        "But",
        "Or",
        "In",
        "On",
        "At",
        "By",
        "To",
        "Of",
        "For",
        "From",
        "With",
        "As",
        "Is",
        "Was",
        "Were",
        "Has",
        "Had",
        "Will",
        "Would",
        "Could",
        "Should",
        "Did",
        "Does",
        "Do",
        "If",
        "When",
        "Then",
        "That",
        "This",
        "He",
        "She",
        "It",
        "We",
        "They",
        "You",
        "Who",
        "What",
        "Where",
        "Why",
        "How",
        "Not",
        "No",
        "Yes",
        "Street",
        "Road",
        "Avenue",
        "Park",
        "Hall",
        "City",
        "County",
        "University",
        "College",
        "School",
        "Hospital",
        "Church",
        "Company",
        "Inc",
        "Award",
        "Prize",
        "River",
        "Island",
        "Bay",
    ]
)
_STREET = re.compile(
    rf"[0-9]{{1,5}}(?: {_CAPITALISED}){{1,3}} (?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|"
    r"Place|Pl|Square|Sq|Terrace|Way|Crescent|Close|Highway|Hwy|Parkway|Pkwy)\b\.?"
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor)\.? ?#?[0-9A-Z]{1,5}\b)?"
)
_HAN_ROOM = re.compile(
    "[院楼樓号號栋棟幢座单單元室层層房0-9０-９A-Za-z一二三四五六七八九十-]{0,23}[院楼樓栋棟幢座元室层層房]"
)
_REGION = re.compile("[省市区區县縣州旗镇鎮乡鄉村]")
_STREET_END = "路街道巷弄里村段庄莊园園区區"
_LONGEST_PLACE = 30


@cache
def given_names() -> frozenset[str]:
    text = files(__package__).joinpath("given_names.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def english_name(text: str, start: int, end: int) -> SPAN | None:
    """A given name of the census, and the capitalised word after it."""
    found = _SURNAME.match(text, end, end + 40)
    if found is None or found[1] in _NOT_SURNAMES:
        return None
    return "name", start, found.end(), 0.6


def at_cue(text: str, cue: str, start: int) -> SPAN | None:
    """The name beside a cue."""
    if cue in _TITLES_ZH:
        return _before_title(text, start)
    end = start + len(cue)
    if cue in _BEFORE_ZH:
        found = _HAN_NAME.match(text, end, end + 9)
        if found is None or not _is_han_name(found[1]):
            return None
        return "name", found.start(1), found.end(1), 0.8
    if cue in _BEFORE:
        named = _NAME.match(text, end, end + 80)
        return None if named is None else ("name", end, named.end(), 0.8)
    if start and text[start - 1].isalnum():
        return None
    titled = _AFTER_TITLE.match(text, start, start + 80)
    return None if titled is None else ("name", titled.start(1), titled.end(1), 0.75)


def _before_title(text: str, end: int) -> SPAN | None:
    """A surname and up to two characters that end here: the longest that begins with a surname after no Han
    character, else the surname alone."""
    for size in (4, 3, 2, 1):
        start = end - size
        if start < 0 or not _is_han_name(text[start:end], alone=size == 1):
            continue
        if start == 0 or not _is_han(text[start - 1]) or size == 1:
            return "name", start, end, 0.7
    for size in (3, 2):  # within a sentence: 请王小明先生
        if end >= size and _is_han_name(text[end - size : end]):
            return "name", end - size, end, 0.6
    return None


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _is_han_name(name: str, *, alone: bool = False) -> bool:
    if not name or not all(map(_is_han, name)):
        return False
    if name[:2] in _COMPOUND:
        return len(name) in (3, 4)
    return name[0] in _SURNAMES and (len(name) in (2, 3) or (alone and len(name) == 1))


def english_address(text: str, start: int) -> SPAN | None:
    """`24 Clarke Avenue, Apt. 3`, from its number."""
    found = _STREET.match(text, start, start + 120)
    return None if found is None else ("address", start, found.end(), 0.8)


def chinese_address(text: str, start: int, end: int) -> SPAN | None:
    """A street and its number (the digits from `start` to `end`, before 号 or 弄), the places before it and the
    building and room after it."""
    if start == 0 or text[start - 1] not in _STREET_END:
        return None
    low = max(0, start - _LONGEST_PLACE)
    begin = start
    while begin > low and (_is_han(text[begin - 1]) or text[begin - 1].isdigit()):
        begin -= 1
    begin = _first_place(text, begin, start)
    if start - begin < 2:
        return None
    stop = end + 1
    room = _HAN_ROOM.match(text, stop, stop + 25)
    sure = _REGION.search(text, begin, start) is not None
    return "address", begin, room.end() if room else stop, 0.8 if sure else 0.6


_LEADS = ("地址", "住址", "位于", "位於", "住在", "地点", "地點", "寄到", "寄往", "家住", "现住", "在")


def _first_place(text: str, begin: int, start: int) -> int:
    """Where the address begins in a run of Han characters: after 住在, 地址是 and the like, where one is there."""
    for lead in _LEADS:
        at = text.rfind(lead, begin, start)
        if at >= 0:
            after = at + len(lead)
            return after + (text[after : after + 1] in ("是", "为", "為"))
    return begin
