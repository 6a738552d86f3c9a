"""Removes user, password and tokens from configured URLs, and finds them for a request.

    take_secrets("https://me:pw@mirror.example/xlm")     # "https://mirror.example/xlm"
    credentials_for("https://mirror.example/xlm/a.zip")  # ("me", "pw")

The secrets are kept in `XLM_CREDENTIALS` of this process and its child processes only.
Configurations, manifests, run records and Prefect's database contain the URLs without them.
"""

import json
import netrc
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from xlm.config.environment import CREDENTIALS, add_credentials, credentials, netrc_file
from xlm.config.reading.yaml_text import read_yaml
from xlm.errors import ConfigError
from xlm.redaction import USERINFO, is_secret_parameter, redact

_IS_URL = re.compile(r"\s*[a-zA-Z][a-zA-Z0-9+.-]*://\S+\s*")
# A mistyped URL with a password: no scheme, one slash, a backslash, or a space in the password.
# Parsers do not find the password in it, so it would be stored.
_MISTYPED = re.compile(
    r"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:(?:/{1,2}|\\+)|//)?[^\s/\\?#@:]+:[^/\\?#@]+@[^\s/\\?#@]+.*",
    re.S,
)
_PORTS = {"http": 80, "https": 443}
_MAX_LEVELS = 50
ADVICE = (
    f"set it in the environment variable {CREDENTIALS} or in ~/.netrc "
    "(docs/how-to/mirrors-and-passwords.md)"
)


def take_secrets(value: Any) -> Any:
    """Return the value without the secrets in its URLs, and keep them in this process.

    Args:
        value: a string, or nested mappings and lists of strings.

    Raises:
        ConfigError: a password is not encoded as a URL requires.
    """
    return _take(value, {}, 0)


def take_from_override(override: str) -> str:
    """Return a `key=value` without the secrets in its URLs."""
    if redact(override) == override and not re.search(r":.*@", override, re.S):
        return override
    key, equals, text = override.partition("=")
    value = read_yaml(text, f"override {key!r}: the value")
    cleaned = take_secrets(value)
    if cleaned == value:
        return override
    return f"{key}{equals}{cleaned if isinstance(cleaned, str) else json.dumps(cleaned)}"


def refuse_secrets(overrides: tuple[str, ...]) -> None:
    """Refuse overrides that contain a secret, because requests are stored.

    Raises:
        ConfigError: an override contains a password or token.
    """
    for override in overrides:
        if redact(override) != override:
            raise ConfigError(
                f"override {override.partition('=')[0]!r} contains a password or token, which "
                "would be stored with the run",
                fix=f"{ADVICE}; if Prefect has already stored it, delete that flow run and change "
                "the password",
            )


def credentials_for(url: str) -> tuple[str, str] | None:
    """User and password for a request to this URL, from the environment or from netrc.

    Raises:
        ConfigError: the environment or the netrc file is invalid.
    """
    origin = _origin(url)
    given = [urlsplit(entry) for entry in _entries() if _origin(entry) == origin]
    given = [parts for parts in given if "@" in parts.netloc]
    if not given:
        return _of_netrc(origin[1])
    # Of several users of one server, the one with the longest matching path, else the newest.
    path = f"{urlsplit(url).path}/"
    matching = [parts for parts in given if path.startswith(f"{parts.path.rstrip('/')}/")]
    best = max(matching, key=lambda parts: len(parts.path), default=given[0])
    user, _, password = best.netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def secret_parameters_for(url: str) -> str:
    """Secret parameters that were removed from this URL or its mirror, joined by `&`."""
    parts = urlsplit(url)
    found = []
    for entry in _entries():
        given = urlsplit(entry)
        pattern = re.escape(given.path.rstrip("/")).replace(r"\{code\}", "[^/]*") + "(/.*)?"
        if given.query and _origin(entry) == _origin(url) and re.fullmatch(pattern, parts.path):
            found.append(given.query)
    return "&".join(found)


def _take(value: Any, seen: dict[int, Any], level: int) -> Any:
    if isinstance(value, str):
        return _take_from_text(value)
    if not isinstance(value, dict | list | tuple) or level > _MAX_LEVELS:
        return value
    if id(value) not in seen:  # YAML aliases: one object can appear many times
        seen[id(value)] = value
        if isinstance(value, dict):
            taken: Any = {name: _take(item, seen, level + 1) for name, item in value.items()}
        else:
            taken = [_take(item, seen, level + 1) for item in value]
        seen[id(value)] = taken if taken != value else value
    return seen[id(value)]


def _take_from_text(text: str) -> str:
    if redact(text) == text:
        if _MISTYPED.fullmatch(text):
            raise ConfigError(
                "a setting contains a password but is not a URL",
                fix="write it as https://user:password@host, with a space in the password as %20",
            )
        return text
    if not _IS_URL.fullmatch(text):
        return redact(text)
    url = text.strip()
    match = USERINFO.match(url)
    if match is not None:
        if match[2] is None:
            raise ConfigError(
                f"{url} is not a valid URL",
                fix="write / ? # @ in a password as %2F %3F %23 %40",
            )
        url = match[1] + url[match.end() :]
        place = re.split(r"[?#]", url.removeprefix(match[1]))[0]
        add_credentials(f"{match[1]}{match[2]}@{place}")
    base, mark, query = url.partition("?")
    query, hash_mark, fragment = query.partition("#")
    parameters = query.split("&")
    secret = [one for one in parameters if is_secret_parameter(one.partition("=")[0])]
    if mark and secret:
        add_credentials(f"{base}?{'&'.join(secret)}")
        kept = "&".join(one for one in parameters if one not in secret)
        url = f"{base}?{kept}" if kept else base
        url += hash_mark + fragment
    return url


def _entries() -> list[str]:
    entries = credentials().split()
    for number, entry in enumerate(entries, start=1):
        has_secret = _IS_URL.fullmatch(entry) and redact(entry) != entry
        if not has_secret or not _origin(entry)[1]:
            raise ConfigError(
                f"{CREDENTIALS}: entry {number} is not a URL with user:password@ or secret "
                "parameters",
                fix="write https://user:password@host; separate several by spaces",
            )
    return entries


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme, 0)


def _of_netrc(host: str) -> tuple[str, str] | None:
    path, is_named = netrc_file()
    try:
        found = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        if not is_named and isinstance(error, OSError):
            return None
        # The message of the parser may contain a password.
        where = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) else ""
        raise ConfigError(
            f"{Path(path)}{where} is not a valid netrc file",
            fix="fix it, or set the environment variable NETRC to another file",
        ) from None
    return (found[0] or found[1] or "", found[2] or "") if found else None
