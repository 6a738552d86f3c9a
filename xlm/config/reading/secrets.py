"""Takes user, password and tokens out of configured URLs, and finds them for a request.

    take_secrets("https://me:pw@mirror.example/xlm")     # "https://mirror.example/xlm"
    credentials_for("https://mirror.example/xlm/a.zip")  # ("me", "pw")

What is taken goes to `XLM_CREDENTIALS` of this process and of those that it starts, and nowhere
else: configurations, manifests, run records and Prefect's database hold what is left.
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
# A URL that a person typed with a mistake before its password: no scheme, one slash, a
# backslash, or a space in the password. No parser finds the password there, so it would be stored.
_MISTYPED = re.compile(
    r"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:(?:/{1,2}|\\+)|//)?[^\s/\\?#@:]+:[^/\\?#@]+@[^\s/\\?#@]+.*",
    re.S,
)
_PORTS = {"http": 80, "https": 443}
_MOST_LEVELS = 50
ADVICE = (
    f"give it in the environment variable {CREDENTIALS} or in ~/.netrc "
    "(docs/how-to/mirrors-and-passwords.md)"
)


def take_secrets(value: Any) -> Any:
    """The value without the secrets of its URLs, which this process keeps.

    Raises:
        ConfigError: a password is not written as a URL needs it.
    """
    return _take(value, {}, 0)


def take_from_override(override: str) -> str:
    """A `key=value` without the secrets of the URLs in its value."""
    if redact(override) == override and not re.search(r":.*@", override, re.S):
        return override
    key, equals, text = override.partition("=")
    value = read_yaml(text, f"override {key!r}: the value")
    cleaned = take_secrets(value)
    if cleaned == value:
        return override
    return f"{key}{equals}{cleaned if isinstance(cleaned, str) else json.dumps(cleaned)}"


def refuse_secrets(overrides: tuple[str, ...]) -> None:
    """Refuse overrides that would be stored with a secret.

    Raises:
        ConfigError: one of them holds a password or token.
    """
    for override in overrides:
        if redact(override) != override:
            raise ConfigError(
                f"override {override.partition('=')[0]!r} holds a password or token, which would "
                "be stored with the run",
                fix=f"{ADVICE}; if Prefect has already stored it, delete that flow run and change "
                "the password",
            )


def credentials_for(url: str) -> tuple[str, str] | None:
    """User and password for a request to this URL, from the environment or from netrc.

    Raises:
        ConfigError: the environment or the netrc file cannot be understood.
    """
    origin = _origin(url)
    given = [urlsplit(entry) for entry in _entries() if _origin(entry) == origin]
    given = [parts for parts in given if "@" in parts.netloc]
    if not given:
        return _of_netrc(origin[1])
    # Of two users at one host, the one for this path; else the one that was named last.
    asked = f"{urlsplit(url).path}/"
    fitting = [parts for parts in given if asked.startswith(f"{parts.path.rstrip('/')}/")]
    best = max(fitting, key=lambda parts: len(parts.path), default=given[0])
    user, _, password = best.netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def secret_parameters_for(url: str) -> str:
    """The parameters taken out of a URL, or out of a mirror above it, joined by `&`."""
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
    if not isinstance(value, dict | list | tuple) or level > _MOST_LEVELS:
        return value
    if id(value) not in seen:  # YAML's aliases: one object in many places
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
                "a setting holds a password but is not a URL",
                fix="write it as https://user:password@host, a space in the password as %20",
            )
        return text
    if not _IS_URL.fullmatch(text):
        return redact(text)
    url = text.strip()
    match = USERINFO.match(url)
    if match is not None:
        if match[2] is None:
            raise ConfigError(
                f"{url}: not a URL",
                fix="write / ? # @ of a password as %2F %3F %23 %40",
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
        holds = _IS_URL.fullmatch(entry) and redact(entry) != entry
        if not holds or not _origin(entry)[1]:
            raise ConfigError(
                f"{CREDENTIALS}: entry {number} is not a URL with user:password@ or with "
                "parameters",
                fix="write https://user:password@host, several separated by spaces",
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
    path, asked_for = netrc_file()
    try:
        found = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        if not asked_for and isinstance(error, OSError):
            return None
        # The parser's own message may quote a password.
        where = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) else ""
        raise ConfigError(
            f"{Path(path)}{where}: not a netrc file that can be read",
            fix="mend it, or name another in the environment variable NETRC",
        ) from None
    return (found[0] or found[1] or "", found[2] or "") if found else None
