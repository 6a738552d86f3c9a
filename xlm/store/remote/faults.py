"""Translates errors of an object store to one line without anything secret.

The texts of the libraries are never shown: they contain whole answers of the server, in which AWS
repeats access keys and signatures.
"""

import re

from xlm.errors import DeniedRemoteError, RemoteStoreError, UnreachableRemoteError

_REFUSED_CREDENTIALS = frozenset(
    (
        "AuthenticationFailed", "AuthorizationHeaderMalformed", "ExpiredToken",
        "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity", "InvalidToken",
        "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired",
        "UnrecognizedClientException",
    )
)  # fmt: skip
_NO_BUCKET = frozenset(("NoSuchBucket", "ContainerNotFound"))
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_METADATA = re.compile(r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|fd00:ec2")
_NETWORK = re.compile(
    r"HTTP error|error sending request|timed? ?out|connect|dns error|error decoding|"
    r"IncompleteMessage|reset by peer|broken pipe",
    re.IGNORECASE,
)
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_CHECK_CREDENTIALS = "check the credentials in the environment (docs/how-to/share-a-store.md)"


def is_missing(error: Exception) -> bool:
    """Whether the object does not exist, although its bucket does."""
    return isinstance(error, FileNotFoundError) and error_code(error) not in _NO_BUCKET


def error_code(error: Exception) -> str:
    """The server's own code of an error, such as `NoSuchKey`, or an empty text."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


def translated(error: Exception, url: str, doing: str) -> RemoteStoreError:
    """The error of a request as an error of this project.

    Args:
        error: an exception of the library.
        url: the URL of the object store.
        doing: what was tried, such as "writing xlm-remote.json".
    """
    text, code, name = str(error), error_code(error), type(error).__name__
    found = _STATUS.search(text)
    status = int(found[1]) if found else 0
    reason = code or (f"status {status}" if status else name)
    if code in _NO_BUCKET or "UnableToCanonicalize" in text:
        return RemoteStoreError(
            f"the object store {url} does not exist",
            fix="create the bucket or the folder, or correct the URL",
        )
    if _METADATA.search(text):
        return RemoteStoreError(
            f"no credentials were found for the object store {url}",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (docs/how-to/share-a-store.md)",
        )
    if code in _REFUSED_CREDENTIALS or name == "UnauthenticatedError" or status == 401:
        return RemoteStoreError(
            f"the object store {url} refused the credentials ({reason})", fix=_CHECK_CREDENTIALS
        )
    if name == "PermissionDeniedError" or isinstance(error, PermissionError) or status == 403:
        return DeniedRemoteError(
            f"the object store {url} denied {doing} ({reason})", fix=_CHECK_CREDENTIALS
        )
    if "redirect" in text.lower():
        return RemoteStoreError(
            f"the bucket of the object store {url} is in another region", fix="set AWS_REGION"
        )
    if "builder error" in text or "URL scheme is not allowed" in text:
        return RemoteStoreError(
            f"the address of the object store's server is not valid ({doing} {url})",
            fix="check AWS_ENDPOINT_URL",
        )
    is_late = isinstance(error, TimeoutError)
    if status in _BUSY or is_late or (not status and _NETWORK.search(text)):
        what = f"status {status}" if status else "no answer" if is_late else "no connection"
        return UnreachableRemoteError(
            f"the object store {url} does not answer ({what}, {doing})",
            fix="check the network and AWS_ENDPOINT_URL",
        )
    return RemoteStoreError(
        f"the object store {url} failed ({reason}, {doing})", fix="ask who runs the server"
    )
