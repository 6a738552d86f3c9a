"""Output of transformers that would hide that of the tests."""

from transformers.utils import logging as transformers_logging

transformers_logging.disable_progress_bar()
