"""Certificates of one run, with which only its own workers and driver reach its scheduler.

Anyone else who reached the port could run code as this user.
"""

import os
from pathlib import Path
from typing import Any

from distributed import Security

_ROLES = ("scheduler", "worker", "client")


def write_certificates(folder: Path) -> Any:
    """Write a new authority, certificate and key, readable by this user only; a `Security`.

    Raises:
        OSError: a file cannot be written.
    """
    made = Security.temporary()
    authority, certificate, key = (
        _write(folder / name, text)
        for name, text in (
            ("ca.pem", made.tls_ca_file),
            ("certificate.pem", made.tls_worker_cert),
            ("key.pem", made.tls_worker_key),
        )
    )
    files = {f"tls_{role}_cert": certificate for role in _ROLES}
    files |= {f"tls_{role}_key": key for role in _ROLES}
    return Security(tls_ca_file=authority, require_encryption=True, **files)


def _write(path: Path, text: str) -> str:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - it has a mode
        file.write(text)
    return str(path)
