"""Serves the page of `xlm demo` until Ctrl-C."""

import logging
import socket
from collections.abc import Callable

import uvicorn

from xlm.demo.app import make_app
from xlm.demo.corpus import Corpus
from xlm.errors import ConfigError
from xlm.inference.model import Model
from xlm.loopback import LOOPBACK_NAMES

log = logging.getLogger(__name__)


def serve(
    model: Model, corpus: Corpus, *, host: str, port: int, announce: Callable[[str], None]
) -> None:
    """Serve the page.

    Args:
        model: the model that the page uses.
        corpus: sentences among which it looks for translations.
        host: address to listen on; one that is not loopback serves other machines too.
        port: port to listen on; 0: any free one.
        announce: gets the URL when it can be opened.

    Raises:
        ConfigError: the address cannot be used.
    """
    listener = open_listener(host, port)
    any_host = host not in LOOPBACK_NAMES
    app = make_app(model, corpus, any_host=any_host)
    if any_host:
        log.warning("every machine that reaches this port can use the model")
    shown = f"[{host}]" if ":" in host else host
    announce(f"http://{shown}:{listener.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # raised again by uvicorn after its shutdown
        return


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises:
        ConfigError: it is empty, in use, or not an address of this machine.
    """
    if not host:
        raise ConfigError("--host is empty", fix="use 127.0.0.1, or 0.0.0.0 for other machines")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"{host} port {port} cannot be used: {error.strerror}",
            fix="choose another --port, or --host 127.0.0.1",
        ) from None
