"""Hides what URLs carry in confidence: `user:password@` and tokens in their queries.

    redact("https://me:secret@host/a?token=abc&x=1")    # https://***@host/a?token=***&x=1

Every error of the project passes through here, so that no message shows a secret.
"""

import re

# The second form is a password with an unescaped slash: no parser reads it, but a person types it.
USERINFO = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*://)"
    r"(?:([^\s/?#]*)@|[^\s/?#@:]*:(?!\d{1,5}(?:[/?#\s]|$))[^\s@]*@)"
)
_PARAMETER = re.compile(r"([?&;])([^=&?;#\s]{1,80})=([^&;#\s\"'<>]*)")
_SECRET_NAMES = frozenset(
    (
        "auth",
        "authorization",
        "awsaccesskeyid",
        "bearer",
        "code",
        "hmac",
        "jwt",
        "key",
        "pass",
        "passwd",
        "pwd",
        "sas",
        "session",
        "sessionid",
        "sid",
        "sig",
    )
)
_SECRET_ENDINGS = (
    "token", "signature", "secret", "password", "passphrase", "passcode", "credential",
    "credentials", "apikey", "accesskey", "privatekey", "secretkey", "authkey",
)  # fmt: skip


def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of that name usually carries a secret: `token`, `X-Amz-Signature`."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def redact(text: str) -> str:
    """The text with `***` for the secrets of the URLs in it."""
    if "://" in text:
        text = USERINFO.sub(r"\1***@", text)
    return _PARAMETER.sub(_hide, text) if "=" in text else text


def _hide(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}=***" if is_secret_parameter(match[2]) else match[0]
