"""The programs that learn byte-pair codes (docs/bpe.md); light, for the console's help."""

from typing import Literal, get_args

LearnerName = Literal["fastbpe", "deterministic"]
LEARNERS: tuple[LearnerName, ...] = get_args(LearnerName)
