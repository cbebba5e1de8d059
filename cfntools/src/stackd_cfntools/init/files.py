"""Writes files and symbolic links."""

import base64
import binascii
import io
import json
import logging
import os
import stat
from typing import Any, Callable, Dict, NamedTuple, Optional

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.context import Context
from stackd_cfntools.init.downloads import download
from stackd_cfntools.init.mustache import rendered
from stackd_cfntools.system import System
from stackd_cfntools.values import mapping

log = logging.getLogger(__name__)

_LINK = "120"
_USUAL_MODE = 0o644


class Owner(NamedTuple):
    """The ids of a user and a group; -1 for what stays as it is."""

    uid: int
    gid: int


def write(context: Context, files: Dict[str, Any]) -> None:
    """Write each file; what is as it should be stays untouched."""
    for path in sorted(files):
        if not os.path.isabs(path):
            raise ToolError("{} must be an absolute path".format(path))
        try:
            changed = _write(context, path, mapping(files[path], path))
        except ToolError as error:
            raise ToolError("{}: {}".format(path, error)) from error
        if changed:
            log.info("%s is written", path)
            context.changes.files.add(path)


def _write(context: Context, path: str, entry: Dict[str, Any]) -> bool:
    mode = str(entry.get("mode", ""))
    if len(mode) == 6 and mode.startswith(_LINK):
        return _link(context.system, path, content_of(context, entry).decode())
    return _write_file(
        context.system, path, content_of(context, entry), mode, owner_of(context.system, entry)
    )


def content_of(context: Context, entry: Dict[str, Any]) -> bytes:
    """What a file contains: as it is given, decoded, filled in, or from a URL."""
    if "source" in entry:
        return _downloaded(context, entry)
    if "content" not in entry:
        raise ToolError("there is neither content nor source")
    content = entry["content"]
    text = content if isinstance(content, str) else json.dumps(content, indent=4)
    if str(entry.get("encoding", "plain")).lower() == "base64":
        return _decoded(text)
    return _filled(text, entry).encode()


def _filled(text: str, entry: Dict[str, Any]) -> str:
    return rendered(text, mapping(entry["context"], "context")) if "context" in entry else text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as error:
        raise ToolError("the content is no base64: {}".format(error)) from error


def _downloaded(context: Context, entry: Dict[str, Any]) -> bytes:
    url = str(entry["source"])
    target = io.BytesIO()
    download(context, url, target, entry.get("authentication"))
    if "context" not in entry:
        return target.getvalue()
    return _filled(target.getvalue().decode("utf-8", "replace"), entry).encode()


def owner_of(system: System, entry: Dict[str, Any]) -> Owner:
    """The owner and the group of a file; raises ToolError for one that does not exist."""
    owner, group = entry.get("owner"), entry.get("group")
    return Owner(_id(owner, "owner", lambda name: _uid(system, name)), _id(group, "group", system.group))


def _uid(system: System, name: str) -> Optional[int]:
    account = system.user(name)
    return account.uid if account else None


def _id(name: Any, kind: str, look_up: Callable[[str], Optional[int]]) -> int:
    if name in (None, ""):
        return -1
    found = look_up(str(name))
    if found is None and str(name).isdigit():
        return int(name)
    if found is None:
        raise ToolError("the {} {!r} does not exist on this machine".format(kind, name))
    return found


def _mode(text: str, there: Optional[os.stat_result]) -> int:
    if not text:
        return stat.S_IMODE(there.st_mode) if there and stat.S_ISREG(there.st_mode) else _USUAL_MODE
    try:
        return int(text, 8) & 0o7777
    except ValueError:
        raise ToolError("the mode {!r} is no octal number".format(text)) from None


def _state(path: str) -> Optional[os.stat_result]:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write_file(system: System, path: str, content: bytes, mode_text: str, owner: Owner) -> bool:
    real = system.path(path)
    there = _state(real)
    mode = _mode(mode_text, there)
    if there and stat.S_ISDIR(there.st_mode):
        raise ToolError("there is a directory of this name")
    if there and stat.S_ISREG(there.st_mode) and _is_so(there, real, content, mode, owner):
        return False
    owner = _kept(there, owner)
    system.write(path, content, mode, owner.uid, owner.gid)
    return True


def _is_so(there: os.stat_result, real: str, content: bytes, mode: int, owner: Owner) -> bool:
    wanted = (mode, *_kept(there, owner))
    if (stat.S_IMODE(there.st_mode), there.st_uid, there.st_gid) != wanted:
        return False
    with open(real, "rb") as stream:
        return stream.read() == content


def _kept(there: Optional[os.stat_result], owner: Owner) -> Owner:
    """The owner that a file has after it is replaced: the one that was given, else the one that it had."""
    if there is None or not stat.S_ISREG(there.st_mode):
        return owner
    return Owner(
        there.st_uid if owner.uid == -1 else owner.uid, there.st_gid if owner.gid == -1 else owner.gid
    )


def _link(system: System, path: str, target: str) -> bool:
    real = system.path(path)
    if os.path.islink(real) and os.readlink(real) == target:
        return False
    system.make_directory(os.path.dirname(path))
    if os.path.lexists(real):
        if os.path.isdir(real) and not os.path.islink(real):
            raise ToolError("there is a directory of this name")
        os.unlink(real)
    os.symlink(target, real)
    return True
