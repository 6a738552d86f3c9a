"""The parameters of the flow, made from the options of a run (`xlm/pipeline/options.py`).

@flow
@takes_request
def full_pipeline(request: RunRequest) -> State[None]: ...
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

from prefect.client.schemas.objects import State
from pydantic import Field

from xlm.config.reading.resolve import profile_names
from xlm.pipeline.options import RUN_OPTIONS, Kind, Launcher, RunOption
from xlm.pipeline.request import RunRequest, overrides_of
from xlm.stages.registry import STAGES

_STAGE_NAMES = [stage.name for stage in STAGES]


def _choices(title: str, names: list[str], otherwise: str) -> Any:
    """The part of a JSON schema that makes the form in the UI offer names, and a free text."""
    choice = {"type": "string", "title": title, "enum": names}
    return {"anyOf": [choice, {"type": "string", "title": otherwise}]}


_Profile = Annotated[
    str, Field(json_schema_extra=_choices("Profile", profile_names(), "Path of a YAML file"))
]
_Stage = Annotated[str, Field(json_schema_extra={"title": "Stage", "enum": _STAGE_NAMES})]
_StageOrUnit = Annotated[
    str,
    Field(json_schema_extra=_choices("Stage", _STAGE_NAMES, "Unit of a stage, e.g. tokenize[sw]")),
]

# The form only suggests these values: command line and form are checked in one place, where the
# request is resolved.
_TYPES: dict[Kind, Any] = {
    "profile": _Profile,
    "settings": list[str] | dict[str, Any] | None,
    "languages": list[str] | None,
    "stage": _Stage | None,
    "stages": list[_StageOrUnit] | None,
    "verify": Literal["fast", "deep"],
    "launcher": Launcher | None,
    "name": str | None,
    "flag": bool,
}


def takes_request(flow_function: Callable[[RunRequest], State[None]]) -> Callable[..., State[None]]:
    """Turn a function of a request into one with a parameter for each option of a run."""

    def with_parameters(**values: Any) -> State[None]:
        return flow_function(request_of(values))

    with_parameters.__name__ = flow_function.__name__
    with_parameters.__qualname__ = flow_function.__qualname__
    with_parameters.__module__ = flow_function.__module__
    # Prefect reads types and defaults from the signature, descriptions from the docstring.
    with_parameters.__doc__ = f"{flow_function.__doc__}\n\nArgs:\n{_descriptions()}"
    parameters = [_parameter(option) for option in RUN_OPTIONS]
    with_parameters.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_parameters


def request_of(values: dict[str, Any]) -> RunRequest:
    """The request for parameters of the flow; None means the default.

    Raises:
        pydantic.ValidationError: a value has the wrong type.
        ConfigError: an override holds a secret.
    """
    given = {name: value for name, value in values.items() if value is not None}
    return RunRequest(**given | {"overrides": overrides_of(values.get("overrides"))})


def _parameter(option: RunOption) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=_TYPES[option.kind],
    )


def _descriptions() -> str:
    lines = [f"{one.name}: {one.help} {one.form_help}".strip() for one in RUN_OPTIONS]
    return "".join(f"    {line}\n" for line in lines)
