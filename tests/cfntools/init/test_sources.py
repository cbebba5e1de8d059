"""Archives are unpacked where they belong, and nowhere else."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stackd_cfntools.errors import RequestRefused, ToolError
from stackd_cfntools.init import sources
from stackd_cfntools.init.archives import unpack
from tests.cfntools.init.context import context_of
from tests.cfntools.machine import Machine
from tests.cfntools.server import Reply, Server

CONTENT = b"content\n"


def tarred(mode: str, *members: tarfile.TarInfo) -> bytes:
    """An archive with the members; files have the content."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            member.size = len(CONTENT) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(CONTENT) if member.isreg() else None)
    return made.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, b"" if name.endswith("/") else CONTENT)
    return made.getvalue()


TREE = (member("top/", tarfile.DIRTYPE, mode=0o755), member("top/sub/file", mode=0o750))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_of_any_compression_is_unpacked(machine: Machine, server: Server, mode: str) -> None:
    server.replies(Reply(tarred(mode, *TREE)))
    context = context_of(machine)
    sources.unpack(context, {"/srv/app": server.url + "/app.tar"})
    target = machine.real("/srv/app/top/sub/file")
    assert target.read_bytes() == CONTENT
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert context.changes.sources == {"/srv/app"}


def test_zip_is_unpacked_with_its_modes(machine: Machine, server: Server) -> None:
    server.replies(Reply(zipped("dir/", "dir/tool")))
    sources.unpack(context_of(machine), {"/srv": server.url + "/x.zip"})
    assert stat.S_IMODE(machine.real("/srv/dir/tool").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_compressed_file_is_unpacked_under_its_name(
    tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "download"
    path.write_bytes(pack(CONTENT))
    unpack(str(path), f"file.sql.{ending}", str(tmp_path))
    assert (tmp_path / "file.sql").read_bytes() == CONTENT
    unpack(str(path), "bare", str(tmp_path))
    assert (tmp_path / "bare").read_bytes() == CONTENT


def test_what_is_there_is_written_over(machine: Machine, server: Server) -> None:
    machine.put("/srv/top/sub/file", "old")
    machine.put("/srv/top/other", "stays")
    server.replies(Reply(tarred("w:gz", *TREE)))
    sources.unpack(context_of(machine), {"/srv": server.url})
    assert machine.real("/srv/top/sub/file").read_bytes() == CONTENT
    assert machine.real("/srv/top/other").read_text() == "stays"


def test_links_inside_are_made(tmp_path: Path) -> None:
    path = tmp_path / "download"
    links = (
        member("top/soft", tarfile.SYMTYPE, "sub/file"),
        member("top/hard", tarfile.LNKTYPE, "top/sub/file"),
    )
    path.write_bytes(tarred("w", *TREE, *links))
    unpack(str(path), "x", str(tmp_path / "target"))
    assert (tmp_path / "target/top/soft").read_bytes() == CONTENT
    assert (tmp_path / "target/top/hard").stat().st_ino == (tmp_path / "target/top/sub/file").stat().st_ino


@pytest.mark.parametrize(
    "members",
    [
        (member("../outside"),),
        (member("a/../../outside"),),
        (member("/outside"),),
        (member("link", tarfile.SYMTYPE, "/"), member("link/outside")),
        (member("link", tarfile.SYMTYPE, "../.."),),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"),),
        (member("link", tarfile.LNKTYPE, "../secret"),),
    ],
    ids=lambda members: members[0].name + " " + members[0].linkname,
)
def test_nothing_is_written_outside(tmp_path: Path, members: tuple[tarfile.TarInfo, ...]) -> None:
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "download"
    path.write_bytes(tarred("w", *members))
    target = tmp_path / "target"
    target.mkdir()
    if members[0].name.startswith("/"):
        members[0].name = str(tmp_path / "outside")
        path.write_bytes(tarred("w", *members))
    with pytest.raises(ToolError, match="outside of its directory"):
        unpack(str(path), "x", str(target))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["download", "secret", "target"]
    assert list(target.iterdir()) == []


def test_zip_writes_nothing_outside(tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(zipped("../outside"))
    with pytest.raises(ToolError, match="outside of its directory"):
        unpack(str(path), "x", str(tmp_path / "target"))
    assert not (tmp_path / "outside").exists()


def test_devices_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(tarred("w", member("null", tarfile.CHRTYPE), member("pipe", tarfile.FIFOTYPE), *TREE))
    unpack(str(path), "x", str(tmp_path / "target"))
    assert [each.name for each in (tmp_path / "target").iterdir()] == ["top"]


def test_directory_around_an_archive_of_github_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(
        tarred("w:gz", member("owner-repo-1a2b3c/", tarfile.DIRTYPE), member("owner-repo-1a2b3c/a/b"))
    )
    unpack(str(path), "master", str(tmp_path / "target"), without_first=True)
    assert (tmp_path / "target/a/b").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/owner/repo/tarball/master", True),
        ("https://api.github.com/repos/owner/repo/zipball/v1", True),
        ("https://github.com/owner/repo/zipball", True),
        ("https://github.com/owner/repo/archive/v1.tar.gz", False),
        ("https://example.com/github.com/o/r/tarball/master", False),
    ],
)
def test_archives_of_github_are_known_by_their_urls(url: str, expected: bool) -> None:
    assert bool(sources._OF_GITHUB.match(url)) is expected


def test_failed_download_and_strange_content_are_errors(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"gone", 404), Reply(b"<html>no archive</html>"))
    with pytest.raises(RequestRefused, match="404"):
        sources.unpack(context_of(machine), {"/srv": server.url + "/a.tar.gz"})
    with pytest.raises(ToolError, match=r"a\.tar\.gz is no tar, zip"):
        sources.unpack(context_of(machine), {"/srv": server.url + "/a.tar.gz"})
    with pytest.raises(ToolError, match="must be a URL"):
        sources.unpack(context_of(machine), {"/srv": {"url": "x"}})
