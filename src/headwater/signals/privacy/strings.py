"""Personal data that is not all digits: email addresses, IPv6 addresses, account numbers (IBAN), secrets.

Each function gets the place of an event and looks at a bounded window around it, by `strip` and `split` where that
says it, so nothing backtracks. Secrets are keys whose issuers gave them a prefix that tells (GitHub, AWS, Google,
Slack, Stripe, OpenAI, Hugging Face, JSON web tokens) and private keys in PEM.
"""

import ipaddress
import re
import string

from headwater.signals.privacy.runs import SPAN

_ALPHANUMERIC = string.ascii_letters + string.digits
_LOCAL = _ALPHANUMERIC + ".!#$%&'*+/=?^_`{|}~-"
_DOMAIN = _ALPHANUMERIC + "-."
_LOCAL_SIZE, _DOMAIN_SIZE = 64, 253  # RFC 5321
_FILES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "bmp",
        "ico",
        "css",
        "js",
        "ts",
        "tsx",
        "jsx",
        "json",
        "html",
        "htm",
        "php",
        "java",
        "txt",
        "pdf",
        "mp4",
    ]
)
_IPV6 = re.compile(r"[0-9A-Fa-f:]{2,39}+(?:(?<=:)(?:[0-9]{1,3}\.){3}[0-9]{1,3})?")
_IPV6_BACK = "0123456789abcdefABCDEF"
_IBAN = re.compile(
    r"(?i)[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Z0-9])"
)

SECRETS = {
    "ghp_": re.compile(r"gh[pousr]_[A-Za-z0-9]{36}"),
    "gho_": re.compile(r"gho_[A-Za-z0-9]{36}"),
    "ghs_": re.compile(r"ghs_[A-Za-z0-9]{36}"),
    "github_pat_": re.compile(r"github_pat_[A-Za-z0-9_]{82}"),
    "AKIA": re.compile(r"AKIA[0-9A-Z]{16}(?![0-9A-Z])"),
    "ASIA": re.compile(r"ASIA[0-9A-Z]{16}(?![0-9A-Z])"),
    "AIza": re.compile(r"AIza[0-9A-Za-z_-]{35}"),
    "xoxb-": re.compile(r"xoxb-[0-9A-Za-z-]{20,72}"),
    "xoxp-": re.compile(r"xoxp-[0-9A-Za-z-]{20,72}"),
    "sk_live_": re.compile(r"sk_live_[0-9A-Za-z]{24,99}"),
    "sk-": re.compile(r"sk-(?:proj-|ant-)?[0-9A-Za-z_-]{32,200}"),
    "hf_": re.compile(r"hf_[A-Za-z]{34}"),
    "eyJ": re.compile(r"eyJ[0-9A-Za-z_-]{10,300}\.eyJ[0-9A-Za-z_-]{10,4000}\.[0-9A-Za-z_-]{10,2000}"),
    "-----BEGIN ": re.compile(r"-----BEGIN (?:[A-Z]{2,8} )?PRIVATE KEY-----[A-Za-z0-9+/=\s]{1,8000}-----END"),
}


def email(text: str, at: int) -> SPAN | None:
    """The address around an @ (or ＠)."""
    before, after = text[max(0, at - _LOCAL_SIZE) : at], text[at + 1 : at + 1 + _DOMAIN_SIZE]
    local = before[len(before.rstrip(_LOCAL)) :].lstrip(".!#$%&'*+/=?^`{|}~-")
    domain = after[: len(after) - len(after.lstrip(_DOMAIN))].rstrip("-.")
    labels = domain.split(".")
    # a sentence may go on without a space: `a@b.com.Then`; the last label of letters that could be a domain's counts
    if not local or len(labels) < 2 or not all(0 < len(label) <= 63 for label in labels):
        return None
    top = labels[-1]
    if ".." in local or local.endswith(".") or top.lower() in _FILES:
        return None
    if not (top.isalpha() and 2 <= len(top) <= 24) and not top.startswith("xn--"):
        return None
    if any(label.startswith("-") or label.endswith("-") for label in labels):
        return None
    if text[at - len(local) - 3 : at - len(local)] == "://":  # a URL's user, not an address
        return None
    return "email", at - len(local), at + 1 + len(domain), 0.95


def ip6(text: str, colon: int) -> SPAN | None:
    """The IPv6 address whose first colon this is."""
    before = text[max(0, colon - 4) : colon]
    start = colon - (len(before) - len(before.rstrip(_IPV6_BACK)))
    found = _IPV6.match(text, start)
    if found is None:
        return None
    end = found.end()
    while end > start and text[end - 1] == ":" and text[end - 2 : end] != "::":
        end -= 1
    after = text[end : end + 1]
    if after.isascii() and (after.isalnum() or after == "_"):
        return None
    try:
        address = ipaddress.IPv6Address(text[start:end])
    except ValueError:
        return None
    if text[start:end].count(":") < 3 and not address.exploded.startswith(("2", "f")):
        return None  # `::1` and `a::b` are code more often than addresses
    return "ip_private" if _private(address) else "ip", start, end, 0.95


def _private(address: ipaddress.IPv6Address) -> bool:
    return address.is_loopback or address.is_link_local or address.is_private or address.is_multicast


def iban(text: str, start: int) -> SPAN | None:
    """An international bank account number (ISO 13616) that begins here: its check digits must be right."""
    found = _IBAN.match(text, start, start + 44)
    if found is None:
        return None
    compact = found[0].replace(" ", "").upper()
    if not 15 <= len(compact) <= 34:
        return None
    number = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return ("iban", start, found.end(), 0.99) if int(number) % 97 == 1 else None


def secret(text: str, cue: str, start: int) -> SPAN | None:
    """The key whose prefix stands here."""
    before = text[start - 1 : start]
    if before.isascii() and (before.isalnum() or before == "_"):
        return None
    found = SECRETS[cue].match(text, start)
    return None if found is None else ("secret", start, found.end(), 0.95)
