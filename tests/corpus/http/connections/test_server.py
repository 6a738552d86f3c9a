"""Connections are counted for servers, however their URLs are written."""

import httpx
import pytest

from xlm.corpus.http.connections.server import limit_of, server_of


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://host.example/a", "host.example"),
        ("http://host.example/a", "host.example"),
        ("https://HOST.Example./a", "host.example"),
        ("http://host.example:443/a", "host.example"),
        ("http://user:password@host.example:8080/a", "host.example:8080"),
        ("https://bücher.example/a", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/a", "xn--bcher-kva.example"),
        ("http://[::1]:81/", "::1:81"),
    ],
)
def test_the_server_of_a_url(url, server):
    assert server_of(httpx.URL(url)) == server


@pytest.mark.parametrize(
    ("server", "configured", "limit"),
    [
        ("dumps.wikimedia.org", 8, 2),
        ("dumps.wikimedia.org", 1, 1),
        ("wikimedia.org", 3, 2),
        ("notwikimedia.org", 8, 8),
        ("dumps.wikimedia.org.mirror.example", 8, 8),
    ],
)
def test_no_configuration_raises_the_limit_of_wikimedia(server, configured, limit):
    assert limit_of(server, configured) == limit
