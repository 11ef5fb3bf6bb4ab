"""Personal data in English and Chinese: what is found, what is not, and how sure that is."""

import gzip
import json
import random
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from headwater.signals import FAMILIES, privacy
from headwater.signals.privacy import numbers

# What a pattern decides in the truth of presidio-research, and our types for it.
PATTERN_TRUTH = {
    "EMAIL_ADDRESS": {"email"},
    "IP_ADDRESS": {"ip", "ip_private"},
    "CREDIT_CARD": {"card", "bank_card"},
    "PHONE_NUMBER": {"phone", "mobile"},
    "IBAN_CODE": {"iban"},
    "US_SSN": {"ssn"},
}


def found(text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for kind, start, end, _ in privacy.spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("写信到zhang.san@例子.com或者li_si@qq.com。", [("email", "li_si@qq.com")]),
        ("邮箱：wang＠mail.tsinghua.edu.cn，谢谢", [("email", "wang＠mail.tsinghua.edu.cn")]),
        ("Write to a.b+c@mail.example.co.uk. Or not.", [("email", "a.b+c@mail.example.co.uk")]),
        ("src=icon@2x.png and @handle and a@b", []),
        ("我的手机是13812345678，微信同号", [("mobile", "13812345678")]),
        ("手機：+86 138-1234-5678；或 １３９０００１２３４５", [("mobile", "+86 138-1234-5678"), ("mobile", "１３９０００１２３４５")]),
        ("订单 20231381234567812 与 https://shop.cn/item/13812345678.html", []),
        ("12812345678 是没有分配的号段，138123456789 太长，1381234567 太短", []),
        ("请拨打010-62751234或(0755)26531234，热线400-810-5678", [("phone", "010-62751234"), ("phone", "(0755)26531234"), ("phone", "400-810-5678")]),
        ("call me at 467 3395 or +44 20 7946 0958.", [("phone", "467 3395"), ("phone", "+44 20 7946 0958")]),
        ("(617) 495-1000 x123 fax 345-899-3560x4587", [("phone", "(617) 495-1000"), ("phone", "345-899-3560x4587")]),
        ("1914-1918, 2020-06-20 14:11:22, pages 1234567-1234890, ISBN 978-7-302-12345-6, 3.14159265358", []),
        ("server 93.184.216.34 and 192.168.0.1, 地址 2001:4860:4860::8888", [("ip", "93.184.216.34"), ("ip_private", "192.168.0.1"), ("ip", "2001:4860:4860::8888")]),
        ("version 10.20.30.40, v88.0.43.150, Chrome/88.0.99.150, 1.2.3.4.5, section 3.1.2.4, std::vector<a::b>, 12:30:45", []),
        ("DNS 服务器地址 8.8.8.8", [("ip", "8.8.8.8")]),
        ("card 4111 1111 1111 1111, 4111-1111-1111-1112", [("card", "4111 1111 1111 1111")]),
        ("银行卡号：6222 0200 0000 0000 009 收", []),
        ("IBAN DE89 3704 0044 0532 0130 00, GB82WEST12345698765432 and GB82WEST12345698765433", [("iban", "DE89 3704 0044 0532 0130 00"), ("iban", "GB82WEST12345698765432")]),
        ("SSN 460-89-9847, not 000-12-3456", [("ssn", "460-89-9847")]),
        ("key AKIAIOSFODNN7EXAMPLE and ghp_" + "a1B2" * 9, [("secret", "AKIAIOSFODNN7EXAMPLE"), ("secret", "ghp_" + "a1B2" * 9)]),
        ("电话是010-69016268,010-61025028,13911218526。", [("phone", "010-69016268"), ("phone", "010-61025028"), ("mobile", "13911218526")]),
        ("DNS 114.114.114.114,223.5.5.5; 138-0013-8000,139-0013-9000", [("ip", "114.114.114.114"), ("ip", "223.5.5.5"), ("mobile", "138-0013-8000"), ("mobile", "139-0013-9000")]),
        ("张三,13812345678,25,男; home 1234567,50 EUR; 1,234,567,890", [("mobile", "13812345678")]),
        ("座机0755—26012345，转接 0755-26012345-801；010‑62751234 801室", [("phone", "0755—26012345"), ("phone", "0755-26012345-801"), ("phone", "010‑62751234")]),
        ("1998——2004年，12345678—12345699 页，2020—06—20", []),
        ("身份证：110105 19491231 002X 或 110105-19491231-0021", [("id_card", "110105 19491231 002X")]),
        ("Tel13812345678 vx13912345678 138.1234.5678, abc13812345678", [("mobile", "13812345678"), ("mobile", "13912345678"), ("mobile", "138.1234.5678")]),
        ("ion@casa.md, ana@ejemplo.com.py and icon@2x.png", [("email", "ion@casa.md"), ("email", "ana@ejemplo.com.py")]),
        ("姓名：王小明，联系人:歐陽修 我叫李雷。", [("name", "王小明"), ("name", "歐陽修"), ("name", "李雷")]),
        ("昨天，王小明先生和张老师说：“您好，诸葛亮先生！”", [("name", "王小明"), ("name", "张"), ("name", "诸葛亮")]),
        ("Dear Mr. Smith, my name is Rubija. Robert Audley came with Robert to the hill.", [("name", "Smith"), ("name", "Rubija"), ("name", "Robert Audley")]),
        ("家住北京市海淀区中关村大街27号3号楼501室，邮编", [("address", "北京市海淀区中关村大街27号3号楼501室")]),
        ("She lives at 24 Clarke Avenue, Apt. 3 in town; in 1999 Winter came", [("address", "24 Clarke Avenue, Apt. 3")]),
    ],
)  # fmt: skip
def test_what_is_found_and_what_is_not(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def identity_card(draw: random.Random) -> str:
    """By GB 11643-1999, independently of the code under test."""
    region = draw.choice(["110105", "310101", "440305", "650102", "710000", "820000", "513221"])
    born = date(1930, 1, 1) + timedelta(days=draw.randrange(33_000))
    body = f"{region}{born:%Y%m%d}{draw.randrange(1000):03d}"
    remainder = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body)) % 11
    return body + "0123456789X"[(12 - remainder) % 11]


def mobile(draw: random.Random) -> str:
    prefix = draw.choice(
        [
            "130",
            "133",
            "139",
            "145",
            "147",
            "150",
            "155",
            "159",
            "166",
            "170",
            "173",
            "177",
            "178",
            "180",
            "186",
            "189",
            "191",
            "198",
            "199",
        ]
    )
    return prefix + "".join(draw.choices("0123456789", k=8))


def test_generated_chinese_identity_cards_and_mobiles_are_found_and_no_others() -> None:
    draw = random.Random(7)
    frames = ["身份证号{}，已登记。", "（{}）", "證件號碼：{}\n下一行", "他的号码是{}。", "ID {} ok"]
    right = wrong = claimed = 0
    for number in range(1000):
        kind, make = [("id_card", identity_card), ("mobile", mobile)][number % 2]
        value = make(draw)
        if kind == "id_card" and number % 10 == 0:
            value = value.replace("X", "x")
        if kind == "mobile" and number % 3 == 0:
            value = f"{value[:3]}{'- '[number % 2]}{value[3:7]}{'- '[number % 2]}{value[7:]}"
        text = "前言。" + draw.choice(frames).format(value)
        right += (kind, value) in found(text)
        claimed += sum(what in ("id_card", "mobile") for what, _ in found(text))
        # one digit changed: an identity card's checksum says so
        if kind == "id_card":
            place = draw.randrange(14, 17)
            broken = value[:place] + str((int(value[place]) + 1) % 10) + value[place + 1 :]
            wrong += any(what == "id_card" for what, _ in found(f"身份证号{broken}，"))
    assert right >= 990 and claimed - right <= 10 and wrong == 0, (right, claimed, wrong)


def test_cards_are_told_apart_by_issuer_and_luhn() -> None:
    assert numbers.luhn("4111111111111111") and not numbers.luhn("4111111111111112")
    body = "622202000000000000"
    check = next(digit for digit in "0123456789" if numbers.luhn(body + digit))
    assert found(f"银行卡号：{body}{check}。") == [("bank_card", body + check)]
    assert (
        found(f"銀行卡{body[:4]} {body[4:8]} {body[8:12]} {body[12:16]} {body[16:]}{check}")[0][0]
        == "bank_card"
    )
    other = "0123456789"[(int(check) + 1) % 10]
    assert found(f"银行卡号：{body}{other}。") == []


def test_the_columns_are_the_family_s_and_spans_name_the_text() -> None:
    text = "联系 a@example.com、b@example.org 或 13812345678。𠮷野家 c@example.net"
    values = dict(zip((signal.name for signal in FAMILIES["privacy"]), privacy.measure(text), strict=True))
    assert (values["spans"], values["contacts"], values["email"], values["mobile"]) == (4, 4, 3, 1)
    assert [text[one["start"] : one["end"]] for one in values["email_spans"]] == [
        "a@example.com",
        "b@example.org",
        "c@example.net",
    ]
    assert privacy.measure("没有。")[:2] == (0, 0)


def test_the_truth_of_pii_pattern_types(real_data: Path) -> None:
    path = real_data / "truth" / "pii" / "presidio_synth_v2.json.gz"
    counts: Counter[str] = Counter()
    for row in json.loads(gzip.decompress(path.read_bytes())):
        spans = privacy.spans(row["full_text"])
        for label, kinds in PATTERN_TRUTH.items():
            truth = [
                (s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] == label
            ]
            ours = [(start, end) for kind, start, end, _ in spans if kind in kinds]
            met = [any(a < d and c < b for c, d in ours) for a, b in truth]
            counts[f"{label} recalled"] += sum(met)
            counts[f"{label} true"] += len(truth)
            counts[f"{label} right"] += sum(any(a < d and c < b for c, d in truth) for a, b in ours)
            counts[f"{label} ours"] += len(ours)
    for label in PATTERN_TRUTH:
        recall = counts[f"{label} recalled"] / counts[f"{label} true"]
        precision = counts[f"{label} right"] / counts[f"{label} ours"]
        assert recall >= 0.95 and precision >= 0.9, (label, recall, precision)


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "1.", "1-", "a@", "::f", "先生", "路1号", "1 A", "-eyJ", "GB82 ", "John ", "4111 ", "138 1234 5678-"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text, best = unit * (size // len(unit)), float("inf")
        for _ in range(2):
            start = time.process_time()
            privacy.spans(text)
            best = min(best, time.process_time() - start)
        return best

    short, long = max(seconds(25_000), 0.02), seconds(200_000)
    assert long < 30 * short, (unit, short, long)  # linear is 8, quadratic 64


def test_a_table_of_country_codes_costs_neither_depth_nor_square_time() -> None:
    """`86 86 86 …`: each was asked whether the next begins a number, and so on to the end."""
    text = "86 " * 5000 + "+86 13812345678"
    assert ("mobile", len(text) - 15, len(text), 0.95) in numbers.in_group(text, 0, len(text))
