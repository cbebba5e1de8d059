"""Unpacks archives from URLs into directories."""

import logging
import os
import re
import tempfile
from typing import Any, Dict
from urllib.parse import unquote, urlsplit

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.archives import unpack as unpack_archive
from stackd_cfntools.init.context import Context
from stackd_cfntools.init.downloads import download
from stackd_cfntools.web import bare

log = logging.getLogger(__name__)

_OF_GITHUB = re.compile(r"^https?://(www\.|api\.)?github\.com/.+/(zipball|tarball)(/|$)")
"""Archives of these are one directory that is called after a commit; it is left out."""


def unpack(context: Context, sources: Dict[str, Any]) -> None:
    """Fetch each archive and unpack it over what is there."""
    for folder in sorted(sources):
        url = sources[folder]
        if not isinstance(url, str):
            raise ToolError("{} must be a URL, not {!r}".format(folder, url))
        log.info("%s from %s", folder, bare(url))
        context.system.make_directory(folder)
        with tempfile.NamedTemporaryFile(prefix="cfn-init-") as archive:
            download(context, url, archive)
            archive.flush()
            name = os.path.basename(unquote(urlsplit(url).path)) or "source"
            unpack_archive(archive.name, name, context.system.path(folder), bool(_OF_GITHUB.match(url)))
        context.changes.sources.add(folder)
