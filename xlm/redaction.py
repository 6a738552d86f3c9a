"""Removes secrets from a text: `user:password@` and tokens in URLs, tokens of the Hugging Face Hub.

    redact("https://me:secret@host/a?token=abc&x=1")    # https://***@host/a?token=***&x=1

All error messages of the project are redacted.
"""

import re

# The second alternative matches a password with an unescaped slash: invalid, but users type it.
USERINFO = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*://)"
    r"(?:([^\s/?#]*)@|[^\s/?#@:]*:(?!\d{1,5}(?:[/?#\s]|$))[^\s@]*@)"
)
_PARAMETER = re.compile(r"([?&;])([^=&?;#\s]{1,80})=([^&;#\s\"'<>]*)")
_HUB_TOKEN = re.compile(r"\bhf_(?:oauth_)?[A-Za-z0-9]{16,}(?:[._-][A-Za-z0-9._-]*)?")
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
_SECRET_SUFFIXES = (
    "token", "signature", "secret", "password", "passphrase", "passcode", "credential",
    "credentials", "apikey", "accesskey", "privatekey", "secretkey", "authkey",
)  # fmt: skip


def is_secret_parameter(name: str) -> bool:
    """Whether a query parameter usually holds a secret, such as `token` or `X-Amz-Signature`."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_SUFFIXES)


def redact(text: str) -> str:
    """Replace the secrets in the text with `***`."""
    if "hf_" in text:
        text = _HUB_TOKEN.sub("hf_***", text)
    if "://" in text:
        text = USERINFO.sub(r"\1***@", text)
    return _PARAMETER.sub(_redact_parameter, text) if "=" in text else text


def _redact_parameter(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}=***" if is_secret_parameter(match[2]) else match[0]
