"""Names of languages as {{lang-…}} writes them before a text: in English, Chinese and Japanese."""

COLON = {"en": ": ", "zh": "：", "ja": ": ", "simple": ": "}
_CODES = (  # noqa: SIM905
    "en fr de es it pt ru ja ko la el grc ar he fa hi sa nl pl sv da no fi hu cs sk ro bg sr hr uk be lt "
    "lv et tr vi th mn bo ug ms id tl cy ga gd eu ca gl sq hy ka az kk uz yi ur bn ta te ml mr sl mk is "
    "eo zh "
).split()
_ENGLISH = (  # noqa: SIM905
    "English French German Spanish Italian Portuguese Russian Japanese Korean Latin Greek Ancient_Greek "
    "Arabic Hebrew Persian Hindi Sanskrit Dutch Polish Swedish Danish Norwegian Finnish Hungarian Czech "
    "Slovak Romanian Bulgarian Serbian Croatian Ukrainian Belarusian Lithuanian Latvian Estonian Turkish "
    "Vietnamese Thai Mongolian Tibetan Uyghur Malay Indonesian Tagalog Welsh Irish Scottish_Gaelic Basque "
    "Catalan Galician Albanian Armenian Georgian Azerbaijani Kazakh Uzbek Yiddish Urdu Bengali Tamil "
    "Telugu Malayalam Marathi Slovene Macedonian Icelandic Esperanto Chinese "
).split()
_CHINESE = (  # noqa: SIM905
    "英语 法语 德语 西班牙语 意大利语 葡萄牙语 俄语 日语 韩语 拉丁语 希腊语 古希腊语 阿拉伯语 希伯来语 "
    "波斯语 印地语 梵语 荷兰语 波兰语 瑞典语 丹麦语 挪威语 芬兰语 匈牙利语 捷克语 斯洛伐克语 罗马尼亚语 "
    "保加利亚语 塞尔维亚语 克罗地亚语 乌克兰语 白俄罗斯语 立陶宛语 拉脱维亚语 爱沙尼亚语 土耳其语 越南语 "
    "泰语 蒙古语 藏语 维吾尔语 马来语 印尼语 他加禄语 威尔士语 爱尔兰语 苏格兰盖尔语 巴斯克语 加泰罗尼亚语 "
    "加利西亚语 阿尔巴尼亚语 亚美尼亚语 格鲁吉亚语 阿塞拜疆语 哈萨克语 乌兹别克语 意第绪语 乌尔都语 孟加拉语 "
    "泰米尔语 泰卢固语 马拉雅拉姆语 马拉地语 斯洛文尼亚语 马其顿语 冰岛语 世界语 中文 "
).split()
_JAPANESE = (  # noqa: SIM905
    "英語 フランス語 ドイツ語 スペイン語 イタリア語 ポルトガル語 ロシア語 日本語 朝鮮語 ラテン語 ギリシア語 "
    "古希 アラビア語 ヘブライ語 ペルシア語 ヒンディー語 サンスクリット語 オランダ語 ポーランド語 "
    "スウェーデン語 デンマーク語 ノルウェー語 フィンランド語 ハンガリー語 チェコ語 スロバキア語 ルーマニア語 "
    "ブルガリア語 セルビア語 クロアチア語 ウクライナ語 ベラルーシ語 リトアニア語 ラトビア語 エストニア語 "
    "トルコ語 ベトナム語 タイ語 モンゴル語 チベット語 ウイグル語 マレー語 インドネシア語 タガログ語 "
    "ウェールズ語 アイルランド語 スコットランド・ゲール語 バスク語 カタルーニャ語 ガリシア語 アルバニア語 "
    "アルメニア語 グルジア語 アゼルバイジャン語 カザフ語 ウズベク語 イディッシュ語 ウルドゥー語 ベンガル語 "
    "タミル語 テルグ語 マラヤーラム語 マラーティー語 スロベニア語 マケドニア語 アイスランド語 エスペラント "
    "中国語 "
).split()
JAPANESE_SHORT = dict(
    zip(
        ["en", "fr", "de", "es", "it", "pt", "ru", "ko", "la", "el", "nl", "zh"],
        "英仏独西伊葡露朝羅希蘭中",
        strict=True,
    )
)
NAMES = {
    "en": dict(zip(_CODES, (name.replace("_", " ") for name in _ENGLISH), strict=True)),
    "zh": dict(zip(_CODES, _CHINESE, strict=True)),
    "ja": dict(zip(_CODES, _JAPANESE, strict=True)),
}
