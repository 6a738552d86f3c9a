"""Replaces external links by their labels: `[https://example.org label]`."""

import re

_PROTOCOLS = (
    "bitcoin:", "ftp://", "ftps://", "geo:", "git://", "gopher://", "http://", "https://",
    "irc://", "ircs://", "magnet:", "mailto:", "mms://", "news:", "nntp://", "redis://",
    "sftp://", "sip:", "sips:", "sms:", "ssh://", "svn://", "tel:", "telnet://", "urn:",
    "worldwind://", "xmpp:", "//",
)  # fmt: skip
_ADDRESS = r'[^\[\]<>"\x00-\x20\x7f\s]'
_LINK = re.compile(
    rf"\[(?:{'|'.join(map(re.escape, _PROTOCOLS))}){_ADDRESS}+\s*([^\]\n]*)\]", re.IGNORECASE
)
_IMAGE = re.compile(
    r"https?://[^\s\[\]<>\"]+/[A-Za-z0-9_.,~%\-+&;#*?!=()@\x80-\xff]+\.(?:gif|png|jpg|jpeg)",
    re.IGNORECASE,
)


def replace_external_links(text: str) -> str:
    """Replace each link by its label; without a label it vanishes, as does a linked image."""
    return _LINK.sub(_label, text) if "[" in text else text


def _label(match: re.Match[str]) -> str:
    return "" if _IMAGE.fullmatch(match[1]) else match[1]
