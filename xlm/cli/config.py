"""`xlm config`: the resolved configuration, as YAML or JSON."""

import json

import yaml

from xlm.cli.output import show
from xlm.pipeline.request import RunRequest


def print_config(request: RunRequest, as_json: bool) -> None:
    """Print every setting with its value."""
    values = request.resolve().model_dump(mode="json")
    text = json.dumps(values, indent=1) if as_json else yaml.safe_dump(values, sort_keys=False)
    show(text.rstrip())
