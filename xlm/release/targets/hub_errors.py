"""Translates errors of huggingface_hub to one line that contains no token.

The library's own texts are not shown, because they contain URLs, which can be signed. The sentence
of the server is shown without what looks like a token.
"""

import errno
from typing import Any

from xlm.errors import PublishError
from xlm.redaction import redact

_MOST_LETTERS = 200
_LOGIN = "run `hf auth login`, or set HF_TOKEN to a token that may write there"
_NETWORK = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")
_AGAIN = "run the same command again: files that have arrived are not sent again"


def translated(error: Exception, target: str, doing: str) -> PublishError:
    """The error of a request as an error of this project.

    Args:
        error: an exception of the library.
        target: its name, `hf://ORG/NAME`.
        doing: what was tried, such as "uploading".
    """
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    for one in _causes(error):
        if isinstance(one, OfflineModeIsEnabled):
            return PublishError(
                f"{target} cannot be reached: HF_HUB_OFFLINE is set", fix="unset HF_HUB_OFFLINE"
            )
        if isinstance(one, HfHubHTTPError):
            return _of_status(one, target, doing)
    for one in _causes(error):
        module = type(one).__module__.partition(".")[0]
        if module in _NETWORK or isinstance(one, (ConnectionError, TimeoutError)):
            return PublishError(
                f"{target}: the Hub does not answer ({doing}, {type(one).__name__})",
                fix=f"check the network and HF_ENDPOINT, then {_AGAIN}",
            )
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return PublishError(
                f"{target}: the disk is full ({doing})", fix=f"free some space, then {_AGAIN}"
            )
    return PublishError(
        f"{target}: {doing} failed ({_shortened(str(error)) or type(error).__name__})", fix=_AGAIN
    )


def _of_status(error: Any, target: str, doing: str) -> PublishError:
    status = error.response.status_code
    answer = _shortened(error.server_message or "")
    reason = f"status {status}" + (f": {answer}" if answer else "")
    what = f"{target}: the Hub refused {doing} ({reason})"
    if status == 401:
        return PublishError(what, fix=f"the token is missing or not valid: {_LOGIN}")
    if status == 404:
        return PublishError(what, fix=f"check the name, and that you may see it: {_LOGIN}")
    if status in (402, 413, 507) or _is_quota(answer):
        return PublishError(
            what, fix="free some storage of the account, or publish as another organization"
        )
    if status == 403:
        return PublishError(what, fix=f"check that the token may write there: {_LOGIN}")
    if status in (409, 412):
        return PublishError(
            what, fix="the repository was changed meanwhile: run the same command again"
        )
    if status == 429:
        return PublishError(what, fix=f"wait some minutes, then {_AGAIN}")
    if status >= 500:
        return PublishError(f"{target}: the Hub failed ({doing}, {reason})", fix=_AGAIN)
    return PublishError(what, fix="correct what the Hub names")


def _is_quota(answer: str) -> bool:
    lower = answer.lower()
    return any(word in lower for word in ("quota", "storage limit", "storage patterns"))


def without_token(text: str) -> str:
    """The text on one line, without secrets and without the token of this machine."""
    from huggingface_hub import get_token

    line = " ".join(text.split())
    if token := get_token():
        line = line.replace(token, "***")
    return redact(line)


def _shortened(text: str) -> str:
    """The first words of a message, on one line."""
    line = without_token(text)
    return line if len(line) <= _MOST_LETTERS else f"{line[:_MOST_LETTERS]}..."


def _causes(error: BaseException) -> list[BaseException]:
    """The error and those that led to it, newest first."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__
    return found
