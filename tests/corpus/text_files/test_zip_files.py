"""Zip files from the network: unsafe, damaged and odd ones."""

import stat
import zipfile

import pytest

from xlm.corpus.text_files.zip_files import open_member, open_zip, read_members
from xlm.errors import DataError


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _read(path, name):
    with open_zip(path) as archive, open_member(archive, name) as file:
        return file.read()


def test_a_member_is_read_by_lines_at_newlines_only(tmp_path):
    text = "one\rstill one\u2028 still\ntwo".encode()
    path = _zip(tmp_path / "a.zip", {"a.en": text})
    with open_zip(path) as archive, open_member(archive, "a.en") as lines:
        assert list(lines) == ["one\rstill one\u2028 still\n".encode(), b"two"]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up", "a/../../up", "..\\up", "C:windows", "a\\b"]
)
def test_a_member_that_points_outside_is_refused(tmp_path, name):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.en", "fine")
        archive.writestr(info, "x")
    with pytest.raises(DataError, match="points outside or is not a plain file"):
        _read(path, "a.en")


def test_links_and_devices_are_refused(tmp_path):
    for kind in (stat.S_IFLNK, stat.S_IFCHR):
        info = zipfile.ZipInfo("link")
        info.external_attr = (kind | 0o777) << 16
        path = tmp_path / "link.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(info, "/etc/passwd")
        with pytest.raises(DataError, match="not a plain file"), open_zip(path):
            pass


def test_an_encrypted_member_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.en": b"x"})
    content = bytearray(path.read_bytes())
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"), open_zip(path):
        pass


@pytest.mark.slow
def test_a_zip_bomb_is_refused_by_its_directory(tmp_path):
    path = _zip(tmp_path / "bomb.zip", {"a.en": b"\0" * (65 << 20)})
    with pytest.raises(DataError, match="unpacks to more than 200 times"), open_zip(path):
        pass


@pytest.mark.parametrize("cut", [0, 10, 60, -10])
def test_a_truncated_zip_is_one_line(tmp_path, cut):
    path = _zip(tmp_path / "a.zip", {"a.en": b"content " * 100})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"^a\.zip: truncated or not a zip archive; ") as caught:
        _read(path, "a.en")
    assert "\n" not in str(caught.value)


def test_damage_inside_a_member_is_detected(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.en", b"content " * 100)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"member a\.en is damaged"):
        _read(path, "a.en")


def test_a_missing_member_lists_what_is_there(tmp_path):
    path = _zip(tmp_path / "a.zip", {f"m{number:02d}": b"" for number in range(14)})
    with pytest.raises(DataError, match=r"no member x; it has m00, .* m11 and 2 more"):
        _read(path, "x")
    empty = _zip(tmp_path / "empty.zip", {})
    with pytest.raises(DataError, match="it has no members"):
        _read(empty, "x")


def test_an_error_of_the_reader_is_not_reported_as_damage(tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.en": b"x"})
    with (
        pytest.raises(OSError, match="disk"),
        open_zip(path) as archive,
        open_member(archive, "a.en"),
    ):
        raise OSError("disk full")


def test_odd_zips_are_one_line(tmp_path):
    """Archives that zipfile reads, or for which it raises errors of any kind."""
    valid = _zip(tmp_path / "a.zip", {"a.en": b"one " * 50, "a.sw": b"two " * 50}).read_bytes()
    directory, end = valid.find(b"PK\x01\x02"), valid.find(b"PK\x05\x06")

    def with_bytes(position, new):
        return valid[:position] + new + valid[position + len(new) :]

    cases = {
        "compression method 14": with_bytes(directory + 10, b"\x0e\0"),
        "compression method 9": with_bytes(directory + 10, b"\x09\0"),
        "is encrypted": with_bytes(directory + 8, b"\x40\0"),
        "overlaps": with_bytes(valid.find(b"PK\x01\x02", directory + 4) + 42, b"\0\0\0\0"),
        r"name 'a\.en'": valid.replace(b"a.sw", b"a.en"),
        "truncated|before": with_bytes(end + 16, b"\xff\xff\xff\x7f"),
        "damaged": with_bytes(30, b"x.en"),
        "not a zip|damaged": with_bytes(directory + 8, b"\0\x08")[: directory + 46]
        + b"\xff\xfe\xff\xfe"
        + valid[directory + 50 :],
    }
    for expected, content in cases.items():
        path = tmp_path / "odd.zip"
        path.write_bytes(content)
        with pytest.raises(DataError, match=expected) as caught, open_zip(path) as archive:
            list(read_members(archive))
        assert "\n" not in str(caught.value)


def test_a_bzip2_member_is_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.en", b"one\ntwo\n" * 1000)
    assert _read(path, "a.en") == b"one\ntwo\n" * 1000


@pytest.mark.parametrize("name", ["/" + "x y " * 10_000, "../" + "x y " * 10_000])
def test_a_long_name_in_an_archive_is_a_short_line(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"text")
    with pytest.raises(DataError, match="points outside") as caught, open_zip(path):
        pass
    assert len(str(caught.value)) < 500
