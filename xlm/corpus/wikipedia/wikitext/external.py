"""Replaces external links by their labels: `[https://example.org label]`."""

import re

_PROTOCOLS = (
    "bitcoin:", "ftp://", "ftps://", "geo:", "git://", "gopher://", "http://", "https://",
    "irc://", "ircs://", "magnet:", "mailto:", "mms://", "news:", "nntp://", "redis://",
    "sftp://", "sip:", "sips:", "sms:", "ssh://", "svn://", "tel:", "telnet://", "urn:",
    "worldwind://", "xmpp:", "//",
)  # fmt: skip
_ADDRESS = r'[^\[\]<>"\x00-\x20\x7f\s]'
_OPENING = re.compile(
    rf"\[(?=[a-z]+:|//)(?:{'|'.join(map(re.escape, _PROTOCOLS))}){_ADDRESS}++\s*+",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"https?://[^\s\[\]<>\"]+/[A-Za-z0-9_.,~%\-+&;#*?!=()@\x80-\xff]+\.(?:gif|png|jpg|jpeg)",
    re.IGNORECASE,
)


def replace_external_links(text: str) -> str:
    """Replace each link by its label; without a label it vanishes, as does a linked image.

    A label ends in its line; without an end the link stays.
    """
    if "[" not in text:
        return text
    kept: list[str] = []
    done = position = end = line_end = 0
    while opening := _OPENING.search(text, position):
        position = opening.end()
        if end < position:
            end = text.find("]", position)
        if end < 0:
            break
        if line_end < position:
            line_end = text.find("\n", position)
            line_end = len(text) if line_end < 0 else line_end
        if end > line_end:
            continue
        label = text[position:end]
        kept += (text[done : opening.start()], "" if _IMAGE.fullmatch(label) else label)
        done = position = end + 1
    return "".join([*kept, text[done:]]) if kept else text
