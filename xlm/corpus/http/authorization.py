"""Adds user names, passwords and tokens to requests, and keeps them out of the log."""

import base64
import logging

import httpx

from xlm.config.reading.secrets import credentials_for, secret_parameters_for
from xlm.redaction import redact


def authorize(request: httpx.Request) -> None:
    """Add the credentials and secret parameters that the user gave for the request's URL.

    HTTPX calls this for every redirect too, so no server receives the secrets of another.
    """
    url = str(request.url)
    if found := credentials_for(url):
        token = base64.b64encode(":".join(found).encode()).decode()
        request.headers["Authorization"] = f"Basic {token}"
    if secret := secret_parameters_for(url):
        query = "&".join(filter(None, (request.url.query.decode(), secret)))
        request.url = request.url.copy_with(query=query.encode())


def hide_secrets(record: logging.LogRecord) -> bool:
    """A log filter: HTTPX logs the URL of every request, including its parameters."""
    record.msg, record.args = redact(record.getMessage()), ()
    return True
