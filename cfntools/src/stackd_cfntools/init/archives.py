"""Unpacks archives. Nothing is written outside of the directory, whatever an archive says."""

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
from typing import IO, Callable, Optional, Tuple, cast

from stackd_cfntools.errors import ToolError

Opener = Callable[[str], IO[bytes]]

_COMPRESSED: Tuple[Tuple[bytes, Opener], ...] = (
    (b"\x1f\x8b", cast(Opener, gzip.open)),
    (b"BZh", cast(Opener, bz2.open)),
    (b"\xfd7zXZ\x00", cast(Opener, lzma.open)),
)
_ENDINGS = (".gz", ".bz2", ".xz")
Rename = Callable[[str], Optional[str]]


def unpack(path: str, name: str, folder: str, without_first: bool = False) -> None:
    """Unpack an archive, or a compressed file called ``name``; if asked for, without what all of it is in."""
    rename = _without_first if without_first else _whole
    if zipfile.is_zipfile(path):
        _unpack_zip(path, folder, rename)
    elif tarfile.is_tarfile(path):
        _unpack_tar(path, folder, rename)
    elif not _unpack_file(path, name, folder):
        raise ToolError("{} is no tar, zip, gzip, bzip2 or xz file".format(name))


def _whole(name: str) -> Optional[str]:
    return name


def _without_first(name: str) -> Optional[str]:
    return name.lstrip("/").partition("/")[2] or None


def inside(folder: str, name: str) -> str:
    """The path of a member; raises ToolError if it is not inside of the directory, links considered."""
    base, path = os.path.realpath(folder), os.path.join(folder, name)
    real = os.path.realpath(os.path.dirname(path) if os.path.islink(path) else path)
    if real != base and not real.startswith(base.rstrip("/") + "/"):
        raise ToolError("the archive has {!r}, which is outside of its directory".format(name))
    return path


def _unpack_tar(path: str, folder: str, rename: Rename) -> None:
    with tarfile.open(path) as archive:
        for member in archive:
            name = rename(member.name)
            if name is None:
                continue
            target = inside(folder, name)
            _check_link(member, folder, target)
            if member.islnk():
                _link(folder, rename(member.linkname) or "", target)
            elif member.isdir() or member.isreg() or member.issym():
                _unpack_member(archive, member, target)


def _check_link(member: tarfile.TarInfo, folder: str, target: str) -> None:
    if member.issym():
        inside(folder, os.path.relpath(os.path.join(os.path.dirname(target), member.linkname), folder))


def _link(folder: str, source: str, target: str) -> None:
    _make_way(target)
    os.link(inside(folder, source), target)


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> None:
    if member.isdir():
        os.makedirs(target, exist_ok=True)
        os.chmod(target, stat.S_IMODE(member.mode) | stat.S_IRWXU)
        return
    _make_way(target)
    if member.issym():
        os.symlink(member.linkname, target)
        return
    content = archive.extractfile(member)
    if content is not None:
        _write(content, target, member.mode & 0o777)


def _make_way(target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target) and not os.path.isdir(target):
        os.unlink(target)


def _write(content: IO[bytes], target: str, mode: int) -> None:
    with open(target, "wb") as stream:
        shutil.copyfileobj(content, stream)
    os.chmod(target, mode)


def _unpack_zip(path: str, folder: str, rename: Rename) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = rename(member.filename)
            if name is None:
                continue
            target = inside(folder, name)
            if member.filename.endswith("/"):
                os.makedirs(target, exist_ok=True)
                continue
            _make_way(target)
            with archive.open(member) as content:
                _write(content, target, (member.external_attr >> 16) & 0o777 or 0o644)


def _unpack_file(path: str, name: str, folder: str) -> bool:
    with open(path, "rb") as stream:
        start = stream.read(6)
    opener = next((opener for magic, opener in _COMPRESSED if start.startswith(magic)), None)
    if opener is None:
        return False
    bare, ending = os.path.splitext(name)
    target = inside(folder, bare if ending in _ENDINGS else name)
    _make_way(target)
    with opener(path) as content:
        _write(content, target, 0o644)
    return True
