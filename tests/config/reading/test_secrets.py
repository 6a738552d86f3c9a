"""Passwords and tokens of URLs: removed from all that is stored, found for requests."""

import pytest

from xlm.cli.request import build_request
from xlm.config.reading.proxies import require_usable_proxies
from xlm.config.reading.resolve import resolve
from xlm.config.reading.secrets import (
    credentials_for,
    secret_parameters_for,
    take_from_override,
    take_secrets,
)
from xlm.errors import ConfigError, SourceError
from xlm.pipeline.request import RunRequest
from xlm.redaction import redact


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """Remove the credentials of the machine during the test."""
    monkeypatch.setenv("XLM_CREDENTIALS", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ("https://me:pw@h/a", "https://***@h/a"),
        ("https://token@h/a", "https://***@h/a"),
        ("see HTTP://a:b@h, socks5://x:y@z:1", "see HTTP://***@h, socks5://***@z:1"),
        ("https://me:p@ss@h/", "https://***@h/"),
        ("https://me:pa/ss@h/", "https://***@h/"),
        ("https://h/a?x=1&Token=t&y=2", "https://h/a?x=1&Token=***&y=2"),
        ("https://h/a?X-Amz-Signature=t", "https://h/a?X-Amz-Signature=***"),
        ("https://h/a?jwt=t&session=u&page=2", "https://h/a?jwt=***&session=***&page=2"),
        ("https://h/a?sv=1&sig=t", "https://h/a?sv=1&sig=***"),
        ("https://h:8080/@user/a?page=2", "https://h:8080/@user/a?page=2"),
        ("http://127.0.0.1:4200/api of a@b", "http://127.0.0.1:4200/api of a@b"),
        ("model.key=5 a@b", "model.key=5 a@b"),
    ],
)
def test_messages_hide_secrets_of_urls(shown, hidden):
    assert redact(shown) == hidden
    assert str(SourceError(shown, fix=shown)) == f"{hidden}; {hidden}"


def test_credentials_move_from_the_configuration_to_the_process(tmp_path):
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [en, sw]\n"
        "sources:\n"
        "  mirror: https://me:p%40w@Mirror.example:8443/xlm\n"
        "  xnli: {title: X, licence: L, url: 'https://h.example/x.zip?a=1&token=abc'}\n"
    )
    config = resolve(str(profile))
    assert config.sources.mirror == "https://Mirror.example:8443/xlm"
    assert config.sources.xnli.url == "https://h.example/x.zip?a=1"
    assert credentials_for("https://mirror.example:8443/xlm/h/x") == ("me", "p@w")
    assert credentials_for("https://mirror.example/xlm") is None
    assert credentials_for("http://mirror.example:8443/xlm") is None
    assert secret_parameters_for("https://h.example/x.zip?a=1") == "token=abc"
    assert secret_parameters_for("https://h.example/y.zip") == ""


def test_parameters_apply_to_all_urls_of_a_template():
    taken = take_secrets({"other": "https://h/{code}.txt?token=abc"})
    assert taken == {"other": "https://h/{code}.txt"}
    assert secret_parameters_for("https://h/sw.txt") == "token=abc"
    assert secret_parameters_for("https://h/sw.txt.gz") == ""


@pytest.mark.parametrize(
    "override",
    [
        "sources.mirror=https://me:SECRET@h/x",
        "sources.mirror='https://SECRET@h/x'",
        'sources={"mirror": "https://me:SECRET@h/x"}',
        'sources.parallel=[{"english": "https://h/a?token=SECRET", "kind": plain}]',
        "release.name=see https://me:SECRET@h",
    ],
)
def test_a_request_never_contains_a_secret(override):
    cleaned = take_from_override(override)
    assert "SECRET" not in cleaned
    assert "SECRET" not in build_request(overrides=[override]).model_dump_json()
    with pytest.raises(ConfigError, match="XLM_CREDENTIALS") as caught:
        RunRequest(overrides=(override,))
    assert "SECRET" not in str(caught.value)


def test_values_without_secrets_do_not_change():
    for override in ("bpe.codes=3", "sources.mirror=https://h/x", "a={b: [1, 'c']}", "a=@x?y=1"):
        assert take_from_override(override) == override
    first, second = resolve("mini15"), resolve("mini15")
    assert first == second


def test_a_password_with_a_slash_is_refused_and_not_shown():
    with pytest.raises(ConfigError, match="%2F") as caught:
        resolve("mini15", ["sources.mirror=https://me:PART/SECRET@h/x"])
    assert "SECRET" not in str(caught.value)
    assert "PART" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "//me:SECRET@h.example/x",
        "me:SECRET@h.example/x",
        "http:/me:SECRET@h.example/x",
        "http:\\\\me:SECRET@h.example/x",
        "http://me:SECRET word@h.example/x",
        "http://me:SECRET 1@h.example",
    ],
)
@pytest.mark.parametrize("form", ["sources.mirror={}", "sources={{mirror: '{}'}}"])
def test_a_mistyped_url_with_a_password_is_refused_and_not_shown(form, url):
    with pytest.raises(ConfigError, match="with a space in the password as %20") as refusal:
        build_request(overrides=[form.format(url)])
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["/data/a:b@c/x", "./a:b@c", "https://h/a:b@c", "https://h:80/", "a@b.example", "12:30"]
)
def test_text_that_looks_like_a_password_does_not_change(text):
    assert take_secrets(text) == text


def test_aliases_of_aliases_take_no_time():
    level = ["x"]
    for _ in range(40):
        level = [level, level]
    assert take_secrets(level) is not None
    loop = []
    loop.append(loop)
    take_secrets(loop)


def test_credentials_come_from_the_environment_or_netrc(monkeypatch, tmp_path):
    monkeypatch.setenv("XLM_CREDENTIALS", "https://a:b@one.example https://c:d@two.example/")
    assert credentials_for("https://two.example/x") == ("c", "d")
    (tmp_path / ".netrc").write_text("machine three.example login e password f\n")
    assert credentials_for("https://three.example/x") == ("e", "f")
    named = tmp_path / "other"
    named.write_text("machine three.example login g password h\n")
    monkeypatch.setenv("NETRC", str(named))
    assert credentials_for("https://three.example/x") == ("g", "h")
    assert credentials_for("https://four.example/x") is None


def test_the_path_selects_one_of_two_users_of_a_server():
    take_secrets(["https://a:b@h/one", "https://c:d@h/two/x"])
    assert credentials_for("https://h/one/x") == ("a", "b")
    assert credentials_for("https://h/two/x") == ("c", "d")
    assert credentials_for("https://h/oneself") == ("c", "d")


@pytest.mark.parametrize("text", ["machine", "SECRET x y", "machine a login b SECRET", b"\xff\xfe"])
def test_an_invalid_netrc_is_refused_without_quoting_it(monkeypatch, tmp_path, text):
    path = tmp_path / "netrc"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("NETRC", str(path))
    with pytest.raises(ConfigError, match="is not a valid netrc file") as caught:
        credentials_for("https://h/x")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("text", ["SECRET", "https://h/SECRET", "me:SECRET@h", "https://"])
def test_invalid_credentials_are_refused_without_quoting_them(monkeypatch, text):
    monkeypatch.setenv("XLM_CREDENTIALS", f"https://a:b@one.example {text}")
    with pytest.raises(ConfigError, match="XLM_CREDENTIALS: entry 2") as caught:
        credentials_for("https://h/x")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "http_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        *("socks5://u:SECRET@h:1", "socks4://h", "ftp://h", "http://", "http://h:x", "h:99999"),
        *("a b", "u:SECRET@h:99999", "u:SECRET@a b:1", "http:/u:SECRET@h:1"),
    ],
)
def test_an_unusable_proxy_is_refused_in_one_line(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name}=") as caught:
        require_usable_proxies()
    assert "SECRET" not in str(caught.value)
    monkeypatch.setenv(name, "http://proxy.example:3128")
    require_usable_proxies()
