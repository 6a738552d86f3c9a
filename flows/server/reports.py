"""Shows the reports of a store's runs in the browser: `/reports/000012-20261128T174900000000.html`.

A link in the UI is relative, because the port of a server changes. So the path of the page that
has the link comes before `/reports/`.

Browsers follow a link without the token. They get a page without secrets: it fetches the report
with the token of the UI, and shows it in a frame that cannot read that token.
"""

import hmac
import os
import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from xlm.store.disk.filesystem import open_regular

_PATH = re.compile(r"(?:/[^/]+)*/reports/([0-9]{6,12}-[0-9]{8}T[0-9]{6,12}\.html)", re.ASCII)
_HTML = b"text/html; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_FRAME = "allow-scripts allow-popups allow-popups-to-escape-sandbox"
_PAGE = f"""<!doctype html><meta charset="utf-8"><title>xlm report</title>
<meta name="viewport" content="width=device-width">
<style>
html, body, iframe {{ margin: 0; border: 0; width: 100%; height: 100%; display: block }}
</style>
<body></body>
<script>
const password = localStorage.getItem("prefect-password");
const show = (text) => document.body.append(text);
const headers = {{ Authorization: `Basic ${{password}}` }};
if (!password) show("Sign in first: open the URL that `xlm ui` prints.");
else fetch(location.pathname, {{ headers }}).then(async (reply) => {{
  const text = await reply.text();
  if (!reply.ok) return show(text);
  const frame = document.createElement("iframe");
  frame.sandbox = "{_FRAME}";
  frame.srcdoc = text;
  document.body.append(frame);
}});
</script>
""".encode()


@dataclass(frozen=True)
class Answer:
    """The response to a request."""

    status: int
    content_type: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Reports:
    """The reports in a folder, for who has the token."""

    folder: Path
    token: str

    def answer(self, path: str, authorization: bytes) -> Answer | None:
        """The answer to a GET request; None if its path is not that of a report."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        expected = b"Basic " + b64encode(self.token.encode())
        if not authorization:
            return Answer(200, _HTML, _PAGE)
        if not hmac.compare_digest(authorization, expected):
            return Answer(401, _TEXT, b"Sign in again: open the URL that `xlm ui` prints.")
        try:
            with os.fdopen(open_regular(self.folder / found[1]), "rb") as file:
                content = file.read()
        except OSError:
            return Answer(404, _TEXT, b"The store of this server has no such report.")
        policy = (b"content-security-policy", f"sandbox {_FRAME}".encode())
        return Answer(200, _HTML, content, (policy,))
