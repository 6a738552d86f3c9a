"""No secret of a URL or of the environment reaches the store, Prefect's database or `ps`."""

import base64
import sqlite3
from pathlib import Path

import pytest

from flows.commands import prefect_programs as programs
from tests.corpus.http.raw_server import raw_server
from tests.flows.console import REPOSITORY, start
from xlm.errors import ConfigError

CANARY = "cAnArY%2Fp4ssw0rd"
PROFILE = """
languages: [en, sw]
sources:
  network: {{attempts: 1, timeout_seconds: 10}}
  xnli:
    title: XNLI
    licence: CC0
    url: "https://data.example/xnli.txt?version=1&X-Amz-Signature=tOkEnCaNaRy"
  multinli: {{title: MultiNLI, licence: CC0, url: "{direct}/multinli.txt"}}
"""


@pytest.mark.slow
def test_no_secret_is_stored_or_shown(tmp_path: Path) -> None:
    requests: list[bytes] = []
    lines: list[bytes] = []

    def answer(connection, request):  # type: ignore[no-untyped-def]
        requests.append(request)
        lines.extend(_command_lines())
        found = b"xnli.txt" in request or b"multinli.txt" in request
        body = b"One line.\n" if found else b""
        status = b"200 OK" if found else b"403 Forbidden"
        head = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)

    root = tmp_path / "root"
    with raw_server(answer) as url:
        profile = tmp_path / "mine.yaml"
        direct = url.replace("://", f"://profile:{CANARY}-direct@")
        profile.write_text(PROFILE.format(direct=direct))
        mirror = url.replace("://", f"://me:{CANARY}@")
        process = start(
            root, "run", "--profile", str(profile), "--set", f"sources.mirror={mirror}/m",
            "--only", "download", AWS_SECRET_ACCESS_KEY="awsCaNaRy", HF_TOKEN="hfCaNaRy",
            PREFECT_API_KEY="prefectCaNaRy", XLM_CREDENTIALS="https://u:envCaNaRy@other.example/",
        )  # fmt: skip
        printed, _ = process.communicate(timeout=200)
    assert process.returncode == 1, printed
    assert "answered 403" in printed

    token = base64.b64encode(b"me:cAnArY/p4ssw0rd")
    assert any(b"Basic " + token in request for request in requests)
    # The token is for its own server, not for the mirror that replaces it.
    assert not any(b"tOkEnCaNaRy" in request for request in requests)
    manifests = [path.read_text() for path in root.rglob("manifest.json")]
    assert any("data.example/xnli.txt?version=1" in text for text in manifests)

    secrets = [b"cAnArY", b"tOkEnCaNaRy", b"awsCaNaRy", b"hfCaNaRy", b"prefectCaNaRy",
               b"envCaNaRy", token, token[4:-6]]  # fmt: skip
    _nothing_in(printed.encode(), secrets, "terminal")
    _nothing_in(b"\n".join(lines), secrets, "command lines")
    files = [path for path in root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        _nothing_in(path.read_bytes(), secrets, str(path))
    for database in (path for path in files if path.name == "prefect.db"):
        with sqlite3.connect(database) as connection:
            dump = "\n".join(connection.iterdump())
        assert "flow_run" in dump
        _nothing_in(dump.encode(), secrets, str(database))


def test_a_password_typed_into_the_ui_is_refused() -> None:
    """Prefect has already stored it: the message has a fix, and does not repeat the password."""
    from flows.full_pipeline import full_pipeline

    overrides = {"sources.mirror": "https://me:cAnArY@h/x"}
    for given in (overrides, ["sources.mirror=https://me:cAnArY@h/x"]):
        with pytest.raises(ConfigError, match=r"XLM_CREDENTIALS.*delete that flow run") as caught:
            full_pipeline.fn(overrides=given)
        assert "cAnArY" not in str(caught.value)


@pytest.mark.slow
def test_configuration_and_plan_show_no_secret(tmp_path: Path) -> None:
    setting = "sources.mirror=https://me:cAnArY@mirror.example/x"
    for command in ("config", "plan"):
        process = start(tmp_path, command, "--profile", "mini15", "--set", setting)
        printed, _ = process.communicate(timeout=100)
        assert process.returncode == 0, printed
        assert "cAnArY" not in printed
        assert command == "plan" or "https://mirror.example/x" in printed


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run --only make-world", "ui --port 1", "deploy"])
def test_a_proxy_that_cannot_be_used_is_one_line(tmp_path: Path, command: str) -> None:
    process = start(tmp_path, *command.split(), ALL_PROXY="socks5://me:cAnArY@127.0.0.1:1")
    printed, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert printed.startswith("xlm: ALL_PROXY=socks5://***@127.0.0.1:1: ")
    assert len(printed.splitlines()) == 1


def _command_lines() -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if b"pytest" not in line and str(REPOSITORY).encode() in line:
            found.append(line)
    return found


def _nothing_in(content: bytes, secrets: list[bytes], place: str) -> None:
    found = [secret for secret in secrets if secret in content]
    assert not found, f"{found} in {place}"


@pytest.mark.parametrize(
    ("arguments", "again"),
    [
        (["--set", "sources.mirror=https://me:cAnArY@h/x"], True),
        (["--set=sources={mirror: 'https://me:cAnArY@h/x'}"], True),
        (["-ssources.mirror=https://h/x?token=cAnArY"], True),
        (["--set", "release.author=mail: me@h"], True),
        (["run", "--set", "release.author=mail: me@h"], False),  # already started again
        (["--set", "sources.mirror=https://h/x"], False),
    ],
)
def test_a_command_line_with_a_secret_is_replaced_once(
    arguments: list[str], again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users can read it as long as the run lasts."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words))
    monkeypatch.setattr("sys.argv", ["xlm", *arguments])
    programs._hide_secrets(["run", "--set", "release.author=mail: me@h"])
    assert len(started) == again
    assert "cAnArY" not in str(started)
