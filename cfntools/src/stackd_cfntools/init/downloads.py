"""Downloads with the credentials that the metadata has for them, repeated while they fail for now."""

from typing import IO, Optional

from stackd_cfntools.init.context import Context
from stackd_cfntools.retries import PATIENT, repeated


def download(context: Context, url: str, target: IO[bytes], authentication: Optional[str] = None) -> None:
    """Write what is at the URL to a file, from its beginning; it is whole, or an error is raised."""

    def act() -> None:
        target.seek(0)
        target.truncate()
        context.web.download(url, context.authentication.headers(url, authentication), target)

    repeated(context.system, act, PATIENT)
