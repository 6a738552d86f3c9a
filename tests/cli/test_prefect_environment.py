"""Finding Prefect's server on this machine."""

import socket

import pytest

from xlm.cli.prefect_environment import require_server, server_answers, unproxied_loopback
from xlm.errors import ToolError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "127.0.0.1,localhost"),
        ("corp.example, localhost", "corp.example,localhost,127.0.0.1"),
        ("*", "*"),
    ],
)
def test_a_proxy_is_never_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if given is not None:
        monkeypatch.setenv("NO_PROXY", given)
    assert unproxied_loopback() == {"no_proxy": kept, "NO_PROXY": kept}


def test_an_address_where_nobody_is_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        assert not server_answers(url)
        with pytest.raises(ToolError, match=r"no Prefect server at .* a run needs none"):
            require_server(url)
    with pytest.raises(ToolError, match="no Prefect server at nonsense"):
        require_server("nonsense")
