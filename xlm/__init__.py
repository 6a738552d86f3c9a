"""Cross-lingual language models: the pipeline, and the models that it makes.

    import xlm

    model = xlm.load("data/artifacts/publish/KEY")
    model.predict("Watoto wanacheza.", "Watoto wamelala.", language="sw")

The names below are imported at their first use, so `import xlm` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlm.errors import XlmError
    from xlm.inference.load import load
    from xlm.inference.model import Model
    from xlm.inference.results import Candidate, Perplexity, Prediction

_PUBLIC = {
    "Candidate": "xlm.inference.results",
    "Model": "xlm.inference.model",
    "Perplexity": "xlm.inference.results",
    "Prediction": "xlm.inference.results",
    "XlmError": "xlm.errors",
    "load": "xlm.inference.load",
}

__all__ = ["Candidate", "Model", "Perplexity", "Prediction", "XlmError", "load"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'xlm' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
