"""One file by URL: it goes on where it was, is what was published, or is not there."""

import hashlib
import random
import socket
from pathlib import Path

import pytest

from headwater.errors import HeadwaterError
from headwater.sources.fetch import asking, connection
from headwater.sources.fetch.asking import Client, GoneError, Pace, TooLargeError, retry_after
from headwater.sources.fetch.connection import RefusedError, Rules
from headwater.sources.fetch.download import Piece, Wanted, download, drop_part

BODY = random.Random(1).randbytes(400_000)
LIMIT = 10_000_000


def sums(body: bytes = BODY) -> dict[str, str]:
    return {name: hashlib.new(name, body).hexdigest() for name in ("md5", "sha1", "sha256")}


def wanted(mirror, path="/data.bin", **more) -> Wanted:
    return Wanted("data.bin", (Piece(mirror.url + path),), **more)


def part(folder: Path) -> Path:
    return folder / ".data.bin.part"


def stopped(client, wanted, folder, after: int) -> None:
    """What a process that is killed after so many bytes leaves."""

    class Killed(BaseException):
        pass

    def watch(have, size):
        if have >= after:
            raise Killed

    with pytest.raises(Killed):
        download(client, wanted, folder, LIMIT, watch)


def test_a_file_is_fetched_checked_and_named(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY, modified="Mon, 05 Jan 2026 00:00:00 GMT")
    record = download(client, wanted(mirror, size=len(BODY), sums=sums()), tmp_path, LIMIT)
    assert (tmp_path / "data.bin").read_bytes() == BODY and not part(tmp_path).exists()
    assert record["sha256"] == sums()["sha256"] and record["bytes"] == len(BODY)
    assert record["checked"] == ["md5", "sha1", "sha256"] and record["etag"] == mirror.files["/data.bin"].tag
    [headers] = mirror.asked("/data.bin")
    assert headers["user-agent"].startswith("Headwater/") and "range" not in headers


@pytest.mark.fault(36)
def test_a_file_goes_on_where_it_was(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY)
    stopped(client, wanted(mirror), tmp_path, 150_000)
    have = part(tmp_path).stat().st_size
    assert 0 < have < len(BODY) and not (tmp_path / "data.bin").exists()
    record = download(client, wanted(mirror), tmp_path, LIMIT)
    assert record["sha256"] == sums()["sha256"]
    _, second = mirror.asked("/data.bin")
    assert second["range"] == f"bytes={have}-" and second["if-range"] == mirror.files["/data.bin"].tag


@pytest.mark.fault(36)
@pytest.mark.parametrize("validator", ["etag", "date", "weak", "none"])
@pytest.mark.parametrize("published", [False, True])
def test_a_file_that_changed_is_fetched_anew(mirror, client, tmp_path, validator, published):
    new = BODY[::-1] + b"more"
    kinds = {
        "etag": {"etag": ""}, "date": {"etag": None, "modified": "Mon, 05 Jan 2026 00:00:00 GMT"},
        "weak": {"etag": 'W/"1"'}, "none": {"etag": None},
    }  # fmt: skip
    mirror.put("/data.bin", BODY, **kinds[validator])
    stopped(client, wanted(mirror), tmp_path, 150_000)
    later = kinds[validator] | ({"modified": "Tue, 06 Jan 2026 00:00:00 GMT"} if validator == "date" else {})
    mirror.put("/data.bin", new, **later)
    want = wanted(mirror, sums=sums(new) if published else {})
    assert download(client, want, tmp_path, LIMIT)["sha256"] == sums(new)["sha256"]
    assert (tmp_path / "data.bin").read_bytes() == new


@pytest.mark.fault(36)
@pytest.mark.parametrize("fault", [429, 500, 502, 503, 504, "short", "other range"])
def test_a_busy_or_broken_server_is_asked_again(mirror, client, tmp_path, fault):
    file = mirror.put("/data.bin", BODY, faults=["short", fault, fault, "short"])
    assert download(client, wanted(mirror), tmp_path, LIMIT)["sha256"] == sums()["sha256"]
    assert file.faults == [] and 5 <= len(mirror.seen) <= 6


@pytest.mark.fault(36)
def test_a_server_that_stays_busy_is_left_alone_and_what_came_is_kept(mirror, client, tmp_path):
    file = mirror.put("/data.bin", BODY, faults=["short", *[503] * 50])
    with pytest.raises(HeadwaterError, match=r"answers 503.*run the same command again later"):
        download(client, wanted(mirror), tmp_path, LIMIT)
    assert len(mirror.seen) == asking.TRIES + 1 or len(mirror.seen) == asking.TRIES
    assert part(tmp_path).stat().st_size == len(BODY) // 2
    file.faults = []
    download(client, wanted(mirror), tmp_path, LIMIT)
    assert (tmp_path / "data.bin").read_bytes() == BODY


@pytest.mark.fault(36)
def test_retry_after_is_waited_for_or_obeyed_by_ending(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY, faults=[{"status": 429, "Retry-After": "1"}])
    download(client, wanted(mirror), tmp_path, LIMIT)
    assert mirror.times[1] - mirror.times[0] >= 0.99
    mirror.put("/later.bin", BODY, faults=[{"status": 429, "Retry-After": "3600"}] * 9)
    with pytest.raises(HeadwaterError, match="come back in 3600 s"):
        download(client, wanted(mirror, "/later.bin"), tmp_path / "b", LIMIT)
    assert len(mirror.asked("/later.bin")) == 1
    assert retry_after("Mon, 05 Jan 2026 00:00:00 GMT") == 0.0 and retry_after("soon") is None
    assert retry_after("9" * 5000) == 999999999.0 and retry_after("") is None


@pytest.mark.fault(36)
def test_a_wrong_sum_is_tried_once_more_and_then_said(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY, faults=["flipped"])
    want = wanted(mirror, size=len(BODY), sums={"sha1": sums()["sha1"]})
    assert download(client, want, tmp_path, LIMIT)["checked"] == ["sha1"]
    mirror.put("/data.bin", BODY, faults=["flipped"] * 9)
    with pytest.raises(HeadwaterError, match=r"its sha1 is [0-9a-f]{40}, published is .*twice"):
        download(client, want, tmp_path / "b", LIMIT)
    assert list((tmp_path / "b").iterdir()) == []


def test_a_git_id_is_checked(mirror, client, tmp_path):
    text = "语料".encode()
    mirror.put("/data.bin", text)
    oid = hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest()
    record = download(client, wanted(mirror, size=len(text), sums={"git": oid}), tmp_path, LIMIT)
    assert record["checked"] == ["git"]


def test_a_damaged_part_is_found_by_the_sum_and_made_again(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY)
    stopped(client, wanted(mirror, sums=sums()), tmp_path, 150_000)
    with part(tmp_path).open("rb+") as file:
        file.write(b"rot")
    assert download(client, wanted(mirror, sums=sums()), tmp_path, LIMIT)["sha256"] == sums()["sha256"]


def test_a_packed_file_without_a_published_sum_is_unpacked_once(mirror, client, tmp_path):
    import bz2

    packed = bz2.compress(BODY)
    want = Wanted("a.bz2", (Piece(mirror.url + "/a.bz2"),), packed=True)
    mirror.put("/a.bz2", packed, faults=["flipped"])
    download(client, want, tmp_path, LIMIT)
    assert bz2.decompress((tmp_path / "a.bz2").read_bytes()) == BODY and len(mirror.seen) == 2


def test_other_bytes_than_published_are_named_before_they_are_fetched(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY)
    with pytest.raises(HeadwaterError, match=r"has 400,000 bytes of it where 399,999 are published"):
        download(client, wanted(mirror, size=399_999), tmp_path, LIMIT)


def test_a_file_that_is_not_there_is_looked_for_where_else_it_may_be(mirror, client, tmp_path):
    mirror.put("/old.bin", BODY)
    want = wanted(mirror, "/new.bin", otherwise=(mirror.url + "/none.bin", mirror.url + "/old.bin"))
    assert download(client, want, tmp_path, LIMIT)["url"].endswith("/old.bin")
    with pytest.raises(GoneError, match="answers 404"):
        download(client, wanted(mirror, "/none.bin"), tmp_path / "b", LIMIT)


# ---------------------------------------------------------------- caps


def test_a_file_larger_than_the_limit_is_not_fetched(mirror, client, tmp_path):
    mirror.put("/data.bin", BODY)
    for want in (wanted(mirror), wanted(mirror, size=len(BODY))):
        with pytest.raises(TooLargeError, match="raise --max-bytes"):
            download(client, want, tmp_path, 1000)
    assert not part(tmp_path).exists() or part(tmp_path).stat().st_size == 0


def test_an_endless_body_ends_at_the_limit(mirror, client, tmp_path):
    mirror.put("/data.bin", b"", faults=["endless"] * 9)
    with pytest.raises(TooLargeError):
        download(client, wanted(mirror), tmp_path, 1_000_000)
    assert part(tmp_path).stat().st_size <= 1_000_000
    drop_part(wanted(mirror), tmp_path)
    with pytest.raises(TooLargeError, match="larger than 1"):
        client.read(mirror.url + "/data.bin", 1_000_000)
    assert list(tmp_path.glob(".data*")) == []


@pytest.mark.parametrize("fault", ["dribble", "slow headers"])
def test_a_server_that_sends_a_byte_at_a_time_does_not_hold_us(mirror, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(asking, "TRIES", 2)
    monkeypatch.setattr(asking, "SLOW_SECONDS", 0.5)
    rules = Rules(allow_loopback=True, https_only=False, max_bytes=1 << 20, timeout=0.5)
    client = Client(rules, Pace(0.0, 0.01, 60.0))
    mirror.put("/data.bin", BODY, faults=[fault] * 9)
    with pytest.raises(HeadwaterError, match=r"slower than|took too long|timed out"):
        download(client, wanted(mirror), tmp_path, LIMIT)
    assert len(mirror.seen) == 2


def test_the_time_for_a_fetch_ends(mirror, tmp_path):
    mirror.put("/data.bin", BODY, faults=[503] * 99)
    rules = Rules(allow_loopback=True, https_only=False, max_bytes=1 << 20, timeout=2.0)
    with pytest.raises(HeadwaterError, match="what came is kept"):
        download(Client(rules, Pace(0.0, 5.0, 0.2)), wanted(mirror), tmp_path, LIMIT)
    assert len(mirror.seen) == 1


def test_a_gzip_coded_listing_is_bounded_after_unpacking(mirror, client):
    import gzip

    bomb = gzip.compress(b"0" * 50_000_000)
    mirror.put("/list.json", bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(TooLargeError, match="unpacks to more than"):
        client.read(mirror.url + "/list.json", 1_000_000)
    mirror.put("/ok.json", gzip.compress('{"名": 1}'.encode()), headers={"Content-Encoding": "gzip"})
    assert client.json(mirror.url + "/ok.json") == {"名": 1}
    mirror.put("/page.json", "<html>")
    with pytest.raises(HeadwaterError, match="not JSON"):
        client.json(mirror.url + "/page.json")


# ---------------------------------------------------------------- redirects and secrets


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://[fd00::1]/",
     "http://[64:ff9b::a00:1]/", "http://[2002:a00:1::]/", "http://[::10.0.0.1]/", "http://[fec0::1]/",
     "http://100.64.0.1/", "http://0x0a000001/", "http://[fe80::1]/", "file:///etc/passwd", "ftp://example.org/"],
)  # fmt: skip
def test_a_redirect_to_an_address_that_is_not_public_is_refused(
    mirror, client, tmp_path, monkeypatch, target
):
    connected = []
    real = socket.create_connection
    monkeypatch.setattr(
        socket,
        "create_connection",
        lambda address, **more: (connected.append(address[0]), real(address, **more))[1],
    )
    mirror.routes["/data.bin"] = lambda query: (302, {"Location": target}, b"")
    with pytest.raises((RefusedError, HeadwaterError)) as caught:
        download(client, wanted(mirror), tmp_path, LIMIT)
    assert "no public address" in str(caught.value) or "not an http" in str(caught.value)
    assert connected == ["127.0.0.1"]


def test_redirects_are_followed_and_counted(mirror, client, tmp_path):
    mirror.put("/real.bin", BODY)
    mirror.routes["/data.bin"] = lambda query: (307, {"Location": "/there"}, b"")
    mirror.routes["/there"] = lambda query: (302, {"Location": mirror.url + "/real.bin"}, b"")
    assert download(client, wanted(mirror), tmp_path, LIMIT)["bytes"] == len(BODY)
    mirror.routes["/loop"] = lambda query: (302, {"Location": "/loop"}, b"")
    with pytest.raises(RefusedError, match="redirects more than 5 times"):
        download(client, wanted(mirror, "/loop"), tmp_path / "b", LIMIT)
    strict = Client(Rules(allow_loopback=True, https_only=True, max_bytes=9, timeout=2.0), client.pace)
    with pytest.raises(RefusedError, match="plain http"):
        strict.read(mirror.url + "/real.bin")


def test_a_secret_goes_to_its_host_only(mirror, tmp_path):
    mirror.put("/real.bin", BODY)
    host = mirror.url.partition("://")[2]
    other = mirror.url.replace("127.0.0.1", "localhost")
    mirror.routes["/data.bin"] = lambda query: (302, {"Location": other + "/real.bin"}, b"")
    rules = Rules(allow_loopback=True, https_only=False, max_bytes=1 << 20, timeout=2.0)
    secrets = {host: {"Authorization": "Bearer canary-51c0"}}
    client = Client(rules, Pace(0.0, 0.01, 60.0), secrets=secrets)
    record = download(client, wanted(mirror), tmp_path, LIMIT)
    assert mirror.asked("/data.bin")[0]["authorization"] == "Bearer canary-51c0"
    assert "authorization" not in mirror.asked("/real.bin")[0]
    assert "canary" not in str(record) and b"canary" not in (tmp_path / ".data.bin.json").read_bytes()
    assert connection.USER_AGENT in mirror.asked("/real.bin")[0]["user-agent"]
