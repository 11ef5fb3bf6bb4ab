"""Archives as streams of members: what is sound is handed out, what is not is named, nothing leaves the archive."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
import zstandard

from headwater.sources import archives
from headwater.sources.archives import Member, encoding_of_names, is_gb2312, members
from headwater.sources.records import Gated, Quarantined

TEXTS = {
    f"仓库-main/src/第{number}章.txt": f"第{number}章：他说，「好。」mixed English，ok？\n".encode()
    * (number + 1)
    for number in range(40)
}


def tar(files=TEXTS, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def zipped(files=TEXTS, method=zipfile.ZIP_DEFLATED, **more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data, **more)
    return out.getvalue()


def read(path, **more):
    found = list(members(path, **more))
    sound = {item.name: item.data for item in found if isinstance(item, Member)}
    assert len(sound) == sum(isinstance(item, Member) for item in found)  # no name twice
    return sound, [item for item in found if isinstance(item, Quarantined)], found


PACKED = {
    "a.tar": bytes, "a.tar.gz": gzip.compress, "a.tgz": gzip.compress, "a.tar.bz2": bz2.compress, "a.tar.xz": lzma.compress,
    "a.txz": lzma.compress, "a.tar.zst": zstandard.compress, "a.tzst": zstandard.compress, "misnamed.tar.gz": bytes, "b.tar": lzma.compress,
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_tar_is_read_in_every_packing_and_format(tmp_path, name, form):
    files = TEXTS | {"深/" * 80 + "long.txt": b"long", "d/" * 120 + "x": b"y"}
    path = tmp_path / name
    path.write_bytes(PACKED[name](tar(files, form)))
    assert read(path)[:2] == (files, [])


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_is_read_in_every_method(tmp_path, method):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(method=method))
    assert read(path)[:2] == (TEXTS, [])
    path.write_bytes(b"#!/bin/sh a self-extracting one\n" * 9 + zipped(method=method))
    assert read(path)[:2] == (TEXTS, [])


def test_zip64_is_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in TEXTS.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert read(path)[:2] == (TEXTS, [])
    many = {f"{number}": b"x" for number in range(66_000)}  # more than 65,535 needs zip64's end record
    path.write_bytes(zipped(many, zipfile.ZIP_STORED))
    found, lost, _ = read(path)
    assert len(found) == 66_000 and not lost


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gbk", ["说明.txt", "第一章 开始.txt", "源码/主程序.c"]),
        ("gbk", ["读我.txt"]),
        (
            "big5",
            ["說明文件與使用者手冊.txt", "第一章開始的時候大家都很高興.txt", "這是一個測試檔案的名稱.txt"],
        ),
        ("utf-8", ["说明.txt"]),
        ("cp437", ["Grüße.txt", "café.txt"]),
    ],
)
def test_names_that_do_not_say_their_encoding(tmp_path, encoding, names):
    # What an old Windows writes: bytes of its code page, and no flag. Written as ASCII of equal length, then replaced.
    plain = {
        name: "x" * (len(name.encode(encoding)) - 2) + f"{number:02}" for number, name in enumerate(names)
    }
    data = zipped({plain[name]: name.encode() for name in names})
    for name in names:
        data = data.replace(plain[name].encode(), name.encode(encoding))
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert read(path)[:2] == ({name: name.encode() for name in names}, [])


def test_a_tar_of_gbk_names(tmp_path):
    files = {"甲/说明.txt": b"1", "乙.c": b"2"}
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    assert read(path)[0] == files


def test_what_gb2312_is():
    assert is_gb2312("int a; // 计数器".encode("gbk"))
    assert not is_gb2312("naïve café".encode("latin-1")) and not is_gb2312(b"ascii")
    assert encoding_of_names("Grüße".encode("cp437"), "cp437") == "cp437"


# ---------------------------------------------------------------- hostile


def hostile_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:

        def add(name, kind=tarfile.REGTYPE, data=b"x", target=""):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, target, len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(data))

        add("good.txt", data="好".encode())
        for name in ("../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\windows\\x", "..\\x"):
            add(name)
        add("soft", tarfile.SYMTYPE, target="/etc/passwd")
        add("hard", tarfile.LNKTYPE, target="good.txt")
        add("device", tarfile.CHRTYPE)
        add("block", tarfile.BLKTYPE)
        add("pipe", tarfile.FIFOTYPE)
        add("folder", tarfile.DIRTYPE)
        add("good.txt", data=b"again")
        add("good.txt", data=b"and again")
    return out.getvalue()


def test_a_hostile_tar_is_named_entry_by_entry(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(hostile_tar())
    sound, lost, _ = read(path)
    assert sound == {"good.txt": "好".encode(), "good.txt#2": b"again", "good.txt#3": b"and again"}
    assert [item.reason for item in lost] == ["archive_path"] * 5 + ["archive_entry"] * 5
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_a_hostile_zip_is_named_entry_by_entry(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("good.txt", "../up.txt", "/root.txt", "a\\..\\..\\b"):
            archive.writestr(name, name)
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("good.txt", "again")
    data = bytearray(path.read_bytes())
    sound, lost, _ = read(path)
    assert sound == {"good.txt": b"good.txt", "good.txt#2": b"again"}
    assert [item.reason for item in lost] == ["archive_path"] * 3 + ["archive_entry"]
    # The flag of encryption in the directory of the first.
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert next(item.reason for item in read(path)[1]) == "encrypted"


def test_members_that_share_bytes_are_refused(tmp_path):
    data = bytearray(zipped({f"{n}.txt": b"0" * 100_000 for n in range(3)}))
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 4)
    offset = struct.unpack_from("<I", data, second + 42)[0]
    # The second is said to lie in the first; its own header still names another file.
    struct.pack_into("<I", data, second + 42, 10)
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    sound, lost, _ = read(path)
    assert list(sound) == ["2.txt"] and offset > 0
    assert [item.reason for item in lost] == ["archive_entry", "archive_entry"]


def test_the_directory_must_name_what_the_header_names(tmp_path):
    data = zipped({"aaaa.txt": b"1", "bbbb.txt": b"2"})
    at = data.rindex(b"aaaa.txt")
    path = tmp_path / "a.zip"
    path.write_bytes(data[:at] + b"evil.txt" + data[at + 8 :])
    sound, lost, _ = read(path)
    assert sound == {"bbbb.txt": b"2"} and [item.reason for item in lost] == ["damaged_member"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.xz", "a.tar.zst"])
def test_a_bomb_is_stopped_in_bounded_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archives, "ALWAYS", 8 << 20)
    monkeypatch.setattr(archives, "RATIO", 20)
    files = {"good.txt": b"good"} | {f"{number}.txt": b"0" * (4 << 20) for number in range(16)}
    path = tmp_path / name
    path.write_bytes(zipped(files) if name == "a.zip" else PACKED[name](tar(files)))
    del files
    tracemalloc.start()
    found = list(members(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0] == Member("good.txt", b"good")
    assert isinstance(found[-1], Quarantined) and found[-1].reason == "bomb"
    assert len(found) < 8 and peak < 64 << 20


def test_a_member_too_large_costs_itself_only(tmp_path):
    files = {"a.txt": b"1", "big.txt": b"2" * 3000, "b.txt": b"3"}
    for name, data in (("a.tar", tar(files)), ("a.zip", zipped(files))):
        (tmp_path / name).write_bytes(data)
        sound, lost, _ = read(tmp_path / name, limit=2000)
        assert list(sound) == ["a.txt", "b.txt"] and [item.reason for item in lost] == ["too_large"]


def test_a_size_that_lies_is_found_out(tmp_path):
    data = bytearray(zipped({"a.txt": b"0" * 50_000, "b.txt": b"1"}))
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, 10)
    (tmp_path / "a.zip").write_bytes(data)
    sound, lost, _ = read(tmp_path / "a.zip", limit=1000)
    assert sound == {"b.txt": b"1"} and [item.reason for item in lost] == ["too_large"]


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_a_giant_extended_header_is_refused_unread(tmp_path, kind):
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = kind, 40 << 20
    data = head.tobuf(tarfile.GNU_FORMAT) + b"a" * head.size + tar({"b.txt": b"3"})
    (tmp_path / "a.tar").write_bytes(data)
    del data
    tracemalloc.start()
    sound, lost, _ = read(tmp_path / "a.tar")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sound == {"b.txt": b"3"} and [item.reason for item in lost] == ["too_large"] and peak < 8 << 20


def test_sizes_below_zero_and_of_eight_exabytes(tmp_path):
    for size in (b"\xff" * 12, b"\x80" + b"\x7f" * 11, b"\x80\0\0\0\x7f" + b"\xff" * 7):
        block = bytearray(tar({"a.txt": b"1"})[:512])
        block[124:136] = size
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        (tmp_path / "a.tar").write_bytes(bytes(block) + b"1" * 512 + tar({"b.txt": b"2"}))
        _, lost, found = read(tmp_path / "a.tar")
        assert lost and len(found) < 5


def test_sparse_files_are_named_and_passed_over(tmp_path):
    good = tar({"b.txt": b"3"})
    sparse = bytearray(tarfile.TarInfo("hole.txt").tobuf(tarfile.GNU_FORMAT))
    sparse[156:157] = tarfile.GNUTYPE_SPARSE
    sparse[124:136] = b"%011o\0" % 700
    sparse[482] = 1  # one more block of the map
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    (tmp_path / "a.tar").write_bytes(bytes(sparse) + bytes(512) + b"d" * 1024 + good)
    sound, lost, _ = read(tmp_path / "a.tar")
    assert sound == {"b.txt": b"3"} and [(i.offset, i.reason) for i in lost] == [
        ("hole.txt", "archive_entry")
    ]
    pax = tarfile.TarInfo("GNUSparseFile.0/hole.txt")
    pax.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "hole.txt",
        "GNU.sparse.realsize": "99",
    }
    pax.size = 512
    (tmp_path / "a.tar").write_bytes(pax.tobuf(tarfile.PAX_FORMAT) + b"d" * 512 + good)
    sound, lost, _ = read(tmp_path / "a.tar")
    assert sound == {"b.txt": b"3"} and [(i.offset, i.reason) for i in lost] == [
        ("hole.txt", "archive_entry")
    ]


def test_an_archive_in_an_archive_is_a_member(tmp_path):
    inner = zipped({"x": b"0" * 100_000})
    (tmp_path / "a.zip").write_bytes(zipped({"inner.zip": inner}))
    assert read(tmp_path / "a.zip")[:2] == ({"inner.zip": inner}, [])


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "a.zip"])
@pytest.mark.parametrize("tenth", range(10))
def test_of_a_truncated_archive_what_stands_before_is_kept(tmp_path, name, tenth):
    noise = random.Random(1)
    files = {name: noise.randbytes(2000).hex().encode() for name in TEXTS}
    whole = zipped(files) if name == "a.zip" else PACKED[name](tar(files))
    path = tmp_path / name
    path.write_bytes(whole[: len(whole) * tenth // 10])
    sound, lost, _ = read(path)
    assert all(files[name] == data for name, data in sound.items())
    # bzip2 packs 900 KB into one block, zstd 128 KB: of half a block there is nothing.
    block = {"a.tar.bz2": 40, "a.tar.zst": 30}.get(name, 4)
    least = len(files) * tenth // 10 - block
    assert len(sound) >= least and lost, f"{len(sound)} members"
    assert lost[-1].reason in ("unreadable_tail", "damaged_member")


def test_a_damaged_header_costs_one_member_and_the_rest_is_read(tmp_path):
    data = bytearray(tar({f"{number}.txt": b"x" * 600 for number in range(20)}))
    at = data.index(b"7.txt")
    data[at] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    sound, lost, _ = read(tmp_path / "a.tar")
    assert len(sound) == 19 and [item.reason for item in lost] == ["damaged_member"]


def test_tars_put_behind_each_other_are_read_on(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar({"a": b"1"}) + tar({"b": b"2"}))
    assert read(tmp_path / "a.tar")[:2] == ({"a": b"1", "b": b"2"}, [])


def test_a_zip_without_its_directory_is_walked(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in TEXTS.items():
            archive.writestr(name, data)

    class Pipe(io.BytesIO):  # what cannot seek back gets its lengths behind the data
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

    streamed = Pipe()
    with zipfile.ZipFile(streamed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in TEXTS.items():
            archive.writestr(name, data)
    for data in (path.read_bytes(), streamed.getvalue()):
        path.write_bytes(data[: data.index(b"PK\1\2")])
        sound, lost, _ = read(path)
        assert sound == TEXTS and [item.reason for item in lost] == ["unreadable_tail"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_flipped_bytes_lose_little_and_raise_nothing(tmp_path, name):
    whole = zipped() if name == "a.zip" else PACKED[name](tar())
    noise = random.Random(2)
    for _ in range(60):
        data = bytearray(whole)
        data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
        (tmp_path / name).write_bytes(data)
        sound, lost, found = read(tmp_path / name)
        assert sound == TEXTS or lost or len(found) == len(TEXTS)
        if name == "a.zip":
            assert all(TEXTS.get(member, data) == data for member, data in sound.items())


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
def test_what_is_no_archive_is_named(tmp_path, name):
    for data in (b"", b"PK", b"\x1f\x8b", "不是档案。\n".encode() * 500, random.Random(3).randbytes(5000)):
        (tmp_path / name).write_bytes(data)
        sound, lost, _ = read(tmp_path / name)
        assert not sound and lost


def test_unwanted_members_are_gated_unread(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"a.txt": b"1", "b.png": b"2"}))
    sound, _, found = read(tmp_path / "a.zip", wanted=lambda name: name.endswith(".txt"))
    assert list(sound) == ["a.txt"] and Gated("b.png", "not_wanted") in found


def test_xz_in_several_parts_with_padding(tmp_path):
    from headwater.sources.streams import Stream

    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress("一".encode()) + lzma.compress("二".encode()) + bytes(8))
    stream = Stream(path)
    assert b"".join(stream.blocks()).decode() == "一二" and stream.tail is None
    path.write_bytes(lzma.compress(b"a" * 10) + b"junk")
    stream = Stream(path)
    assert b"".join(stream.blocks()) == b"a" * 10 and stream.tail is not None and stream.tail.after_end


def test_an_lzma_bomb_is_given_out_in_pieces(tmp_path):
    from headwater.sources.streams import Stream

    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(bytes(64 << 20)))
    stream = Stream(path)
    sizes = [len(block) for block in stream.blocks()]
    assert sum(sizes) == 64 << 20 and max(sizes) <= 1 << 20 and stream.tail is None
