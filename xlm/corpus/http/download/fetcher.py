"""Downloads a file so that it is complete or absent: streamed, resumed, verified, then renamed.

    fetcher = Fetcher(client, NetworkConfig())
    fetcher.file("https://host/corpus.zip", Path("out/corpus.zip"), part=Path("tmp/corpus.part"))

A broken transfer is resumed only if a digest or the file's format can prove at the end that all
bytes belong together. Otherwise it starts from zero.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.download.disk_space import report_full_disk
from xlm.corpus.http.download.partial_file import PartialFile
from xlm.corpus.http.download.transfer import Transfer
from xlm.corpus.http.request import MISSING, report_wait, request
from xlm.corpus.http.retry import retry
from xlm.corpus.http.verification.content import check_content, is_self_checking
from xlm.corpus.http.verification.pins import Pin
from xlm.corpus.http.verification.size import confirm_size
from xlm.display.progress import NoProgress, Progress
from xlm.errors import ChecksumError, SourceError, XlmError

_MAX_TEXT_BYTES = 16 << 20


@dataclass(frozen=True)
class Fetched:
    """A downloaded file."""

    size_bytes: int
    complete_bytes: int
    """Size of the complete file on the server."""
    sha256: str
    redirected_to: str = ""
    """The URL that sent the bytes, if the server redirected."""


@dataclass
class Fetcher:
    """Downloads files and short texts through one client."""

    client: DownloadClient
    network: NetworkConfig
    wait: Callable[[float], None] = field(default=time.sleep)
    progress: Progress = field(default_factory=NoProgress)
    """Receives the progress of transfers and of waits for a connection."""

    def file(
        self,
        url: str,
        target: Path,
        *,
        part: Path,
        head_bytes: int | None = None,
        digests: Mapping[str, str] | None = None,
        pin: Pin | None = None,
        max_bytes: int | None = None,
    ) -> Fetched:
        """Download a file, or its first `head_bytes`, to `target`.

        Args:
            part: partial file, on the same file system; it is kept when the transfer fails.
            digests: digests that the server publishes for the complete file, by algorithm
                (sha1, md5).
            pin: size and digest of the first download of this URL.
            max_bytes: refuse a larger file.

        Raises:
            SourceError: the server does not send the file, or sends too few or too many bytes, or
                something else instead.
            ServerError: the server cannot be reached after all attempts.
            ChecksumError: the bytes differ from the published digests or from the first download.
            StoreError: the disk is too full.
        """
        published = dict(digests or {})
        may_resume = bool(published) or pin is not None or is_self_checking(url)
        partial = PartialFile(part, ["sha256", *published])
        transfer = Transfer(
            self.client,
            self.network,
            url,
            partial,
            self.progress,
            head_bytes=head_bytes,
            max_bytes=max_bytes,
            may_resume=may_resume,
        )
        with report_full_disk(part):
            partial.reopen(url)
            origin = partial.origin
            is_of_another = origin is not None and origin.mirror != self.client.mirror_name
            # A file's format shows damage, but not whose: only a checksum allows to mix mirrors.
            # What a server publishes covers the complete file, and proves nothing about its head.
            has_proof = pin is not None or (bool(published) and head_bytes is None)
            if not may_resume or (is_of_another and not has_proof):
                partial.discard()
            retry(transfer.attempt, url, self.network, self.wait)
            is_mixed = bool(partial.origin and partial.origin.mirror != self.client.mirror_name)
            result = Fetched(
                partial.size_bytes,
                transfer.complete_bytes,
                partial.digests()["sha256"],
                transfer.redirected_to,
            )
            try:
                self._verify(transfer, result, published, pin)
            except XlmError:
                # A rerun must not continue these bytes, or take them for a complete file.
                partial.discard()
                if not is_mixed:
                    raise
                # The fault may be in the bytes of the other mirror.
                return self.file(
                    url,
                    target,
                    part=part,
                    head_bytes=head_bytes,
                    digests=digests,
                    pin=pin,
                    max_bytes=max_bytes,
                )
            partial.move_to(target)
        return result

    def text(self, url: str) -> str | None:
        """Download a short UTF-8 text; None if the server has no such file.

        Raises:
            SourceError: the server refuses it, or the text is too long.
            ServerError: the server cannot be reached after all attempts.
        """
        return retry(lambda: self._text(url), url, self.network, self.wait)

    def _verify(
        self,
        transfer: Transfer,
        result: Fetched,
        published: Mapping[str, str],
        pin: Pin | None,
    ) -> None:
        url, part = transfer.url, transfer.part
        is_complete = result.size_bytes == result.complete_bytes
        if is_complete and published:
            _check_digests(url, part, published)
            return
        if pin is not None:
            pin.check(url, result.size_bytes, result.sha256)
        if not is_complete:
            return
        note = f"checking {url.rsplit('/', 1)[-1]}"
        check_content(
            part.path, url, lambda done: transfer.progress.update(done, None, "bytes checked", note)
        )
        if pin is None and not is_self_checking(url):
            confirm_size(
                self.client,
                url,
                part.path,
                self.network,
                self.wait,
                ended_by_closing=transfer.ended_by_closing,
                on_wait=lambda server: report_wait(self.progress, url, server),
            )

    def _text(self, url: str) -> str | None:
        with request(
            self.client,
            url,
            {},
            self.network,
            allowed=MISSING,
            on_wait=lambda server: report_wait(self.progress, url, server),
        ) as streamed:
            if streamed.response.status_code in MISSING:
                return None
            content = bytearray()
            for chunk in streamed.chunks():
                content += chunk
                if len(content) > _MAX_TEXT_BYTES:
                    raise SourceError(
                        f"{url}: more than {_MAX_TEXT_BYTES:,} bytes; expected a short text",
                        fix="check the URL",
                    )
        return content.decode("utf-8", errors="replace")


def _check_digests(url: str, part: PartialFile, published: Mapping[str, str]) -> None:
    found = part.digests()
    for algorithm, digest in published.items():
        if not hmac.compare_digest(found[algorithm].encode(), digest.lower().encode()):
            raise ChecksumError(
                f"{url}: {algorithm} is {found[algorithm]}, but the server published {digest}",
                fix="run again; if the error persists, the server's file is damaged: use another "
                "mirror (sources.mirror)",
            )
