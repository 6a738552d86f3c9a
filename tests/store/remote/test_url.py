"""Which URLs a remote store accepts, and what errors of servers become."""

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.errors import (
    ConfigError,
    DeniedRemoteError,
    RemoteStoreError,
    UnreachableRemoteError,
)
from xlm.pipeline.remote import remote_of, require_remote
from xlm.store.remote.availability import Availability
from xlm.store.remote.faults import translated
from xlm.store.remote.layout import file_name, new_builder, parse_name
from xlm.store.remote.transfers import block_bytes
from xlm.store.remote.url import require_remote_url


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ("s3://bucket/folder/", "s3://bucket/folder"),
        ("S3://bucket", "s3://bucket"),
        (" gs://bucket/a/b ", "gs://bucket/a/b"),
        ("az://container/a", "az://container/a"),
        ("file:///mnt/shared", "file:///mnt/shared"),
        ("memory:///", "memory:///"),
    ],
)
def test_urls_of_object_stores_are_accepted(given: str, accepted: str) -> None:
    assert require_remote_url(given) == accepted


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("bucket/folder", "is not a URL"),
        ("", "is not a URL"),
        ("s3:/bucket", "is not a URL"),
        ("ftp://host/folder", "unsupported scheme ftp://"),
        ("https://minio.example.org/bucket", "does not name an object store"),
        ("s3://", "has no bucket"),
        ("s3:///folder", "has no bucket"),
        ("s3://bucket/a b", "white space"),
        ("s3://bucket/a\nb", "white space"),
        ("s3://bucket/../other", "in its path"),
        ("s3://bucket//folder", "in its path"),
        ("s3://bucket/folder?versionId=3", "has parameters"),
        ("file://host/folder", "does not name a folder"),
        ("file:///", "does not name a folder"),
    ],
)
def test_other_urls_are_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        require_remote_url(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:canary@bucket/folder",
        "s3://canary@bucket/folder",
        "s3://bucket/canary@folder",
        "az://container/a?sig=canary",
        "s3://bucket/a?X-Amz-Signature=canary",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as refused:
        require_remote_url(url)
    assert "canary" not in str(refused.value)
    monkeypatch.setenv("XLM_CREDENTIALS", "")
    with pytest.raises(ConfigError) as refused:
        resolve("sample", (f"store.remote={url}",))
    assert "canary" not in str(refused.value)


def test_the_setting_has_priority_over_the_variable(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (str(tmp_path_factory.mktemp(name)) for name in "ab")
    monkeypatch.setenv("XLM_REMOTE", f"file://{one}")
    plain = resolve("sample")
    named = resolve("sample", (f"store.remote=file://{two}",))
    assert [remote.url for config in (plain, named) if (remote := remote_of(config))] == [
        f"file://{one}", f"file://{two}",
    ]  # fmt: skip
    assert plain.store.key_fields() == named.store.key_fields() == {}
    monkeypatch.setenv("XLM_REMOTE", "")
    assert remote_of(plain) is None
    with pytest.raises(ConfigError, match="no remote store is set; set XLM_REMOTE or --url"):
        require_remote(None)
    assert PipelineConfig.model_fields["store"].default.remote is None


_AWS = (
    "Generic S3 error: Error performing GET https://b.s3.amazonaws.com/x in 1ms - Server returned "
    "non-2xx status code: {status}: <Error><Code>{code}</Code><AWSAccessKeyId>AKIAcanary"
    "</AWSAccessKeyId><StringToSign>canary</StringToSign></Error>"
)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        (_AWS.format(status="403 Forbidden", code="SignatureDoesNotMatch"), RemoteStoreError,
         r"refused the credentials \(SignatureDoesNotMatch\)"),
        (_AWS.format(status="400 Bad Request", code="ExpiredToken"), RemoteStoreError,
         r"refused the credentials \(ExpiredToken\)"),
        (_AWS.format(status="403 Forbidden", code="AccessDenied"), DeniedRemoteError,
         r"denied reading x \(AccessDenied\)"),
        (_AWS.format(status="404 Not Found", code="NoSuchBucket"), RemoteStoreError,
         "does not exist"),
        (_AWS.format(status="503 Slow Down", code="SlowDown"), UnreachableRemoteError,
         r"does not answer \(status 503"),
        (_AWS.format(status="418 Teapot", code="Strange"), RemoteStoreError, r"failed \(Strange"),
        ("Generic S3 error: HTTP error: error sending request", UnreachableRemoteError,
         "no connection"),
        ("Error performing PUT http://169.254.169.254/latest/api/token", RemoteStoreError,
         "no credentials were found"),
        ("Received redirect without LOCATION, this normally indicates an incorrectly configured "
         "region", RemoteStoreError, "another region"),
    ],
)  # fmt: skip
def test_errors_of_servers_become_one_line_without_secrets(
    text: str, kind: type[RemoteStoreError], says: str
) -> None:
    error = translated(RuntimeError(text), "s3://b", "reading x")
    assert type(error) is kind
    with pytest.raises(kind, match=says):
        raise error
    assert "canary" not in str(error)
    assert "\n" not in str(error)


def test_names_of_objects_are_ascii_and_can_be_read_back() -> None:
    builder = new_builder()
    for path in ("a.txt", "b c/ü#1%.bin", "logs/train (1).log", "~x"):
        name = file_name("tokenize", "0" * 24, builder, path)
        assert name.isascii()
        assert " " not in name
        assert parse_name(name) == ("tokenize", "0" * 24, builder, path)
    assert parse_name(f"artifacts/tokenize/{'0' * 24}/manifest.json") is not None
    for other in ("a", "artifacts/x", f"artifacts/tokenize/{'0' * 24}/other/a", "artifacts/../x"):
        assert parse_name(other) is None


def test_the_parts_of_a_large_object_are_within_the_limits_of_s3() -> None:
    assert block_bytes(1) == block_bytes(60 << 30) == 8 << 20
    for size in (80 << 30, 1 << 40, 5 << 40):
        assert -(-size // block_bytes(size)) <= 10_000


def test_a_store_that_does_not_answer_is_asked_less_and_less() -> None:
    now, lines = [0.0], list[str]()
    available = Availability(lines.append, lambda: now[0])
    waits = []
    for _ in range(8):
        assert available
        available.failed(UnreachableRemoteError("it is away"))
        began = now[0]
        while not available:
            now[0] += 1.0
        waits.append(now[0] - began)
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0, 600.0]
    assert lines == ["it is away; going on without it"]
    available.worked()
    available.worked()
    assert lines[1:] == ["the remote store answers again"]
