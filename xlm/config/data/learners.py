"""Names of the programs that learn BPE merges (docs/explanation/bpe.md).

A separate module without heavy imports, because `xlm --help` lists the names.
"""

from typing import Literal, get_args

LearnerName = Literal["fastbpe", "deterministic"]
LEARNERS: tuple[LearnerName, ...] = get_args(LearnerName)
