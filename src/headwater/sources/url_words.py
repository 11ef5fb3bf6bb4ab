"""Words in addresses that tell adult, gambling and pharmacy spam, for `urls: {words: headwater}`.

Our own short list; the method is RefinedWeb's (Penedo 2023, appendix G.1): a strict word counts wherever it stands,
a hard word where it stands as a word, of soft words it takes two different ones. Words that stand inside good ones
("sex" in Essex, "cialis" in specialist) are never strict. The Chinese ones stand in addresses as pinyin, or as
characters once percent-encoding is undone. A list of some thousands of domains finds more: see `urls: {lists: …}`.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRICT = _words(
    "porn xvideos xhamster hentai camgirl sexcam sexvideo freesex sexchat sexshop blowjob gangbang creampie "
    "onlinecasino casinoonline casinobonus slotgacor judionline situsslot viagraonline buyviagra cialisonline "
    "bocaiwang yulecheng yulepingtai caipiaowang aomenduchang dubowang 色情 博彩 赌场 賭場 成人视频 成人影片 "
    "娱乐城 娛樂城 裸聊 黄色网站 六合彩 时时彩 時時彩 私服发布"
)
HARD = _words(
    "xxx milf milfs bdsm dildo dildos escorts nudes webcamsex sexcams pornstar upskirt bukkake viagra cialis "
    "levitra togel slot88 judi bandarqq baccarat bocai caipiao qipai heicaipan liuhecai"
)
SOFT = _words(
    "sex sexy adult adults nude naked cam cams teen teens hot girls escort fetish casino casinos bet bets betting "
    "poker slots slot roulette jackpot gambling bonus pills pharmacy cheap replica lottery dubo yule 成人 彩票 "
    "棋牌 下注 投注 美女 约炮"
)
SOFT_AT_LEAST = 2
