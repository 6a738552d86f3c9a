"""The parts of the Compose specification that `infra/compose.yaml` uses; no other key is valid.

docker-compose checks the same, but is not everywhere; the schema of the package `compose-spec` lets
misspelt keys pass.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Build(_Strict):
    """How an image is built."""

    context: str | None = None
    dockerfile: str | None = None
    target: str | None = None


class HealthCheck(_Strict):
    """How Docker asks a service whether it works."""

    test: list[str]
    interval: str
    timeout: str
    retries: int
    start_period: str | None = None


class DependsOn(_Strict):
    """When a service starts after another one."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Logging(_Strict):
    """Where the output of a service goes."""

    driver: str
    options: dict[str, str]


class Service(_Strict):
    """One service."""

    image: str
    build: Build | None = None
    hostname: str | None = None
    container_name: str | None = None
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    environment: dict[str, str] = {}
    healthcheck: HealthCheck | None = None
    depends_on: dict[str, DependsOn] = {}
    ports: list[str] = []
    networks: list[str]
    volumes: list[str] = []
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []
    read_only: bool = False
    shm_size: str | None = None
    stop_grace_period: str | None = None
    logging: Logging
    deploy: dict[str, Any] | None = None


class Network(_Strict):
    """A network."""

    internal: bool = False


class ComposeFile(_Strict):
    """A whole file."""

    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, dict[str, str]]
    xlm: dict[str, Any] = Field(alias="x-xlm")
    client: dict[str, Any] = Field(alias="x-client")
