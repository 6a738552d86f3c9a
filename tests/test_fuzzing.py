"""`fuzz` reports errors other than `XlmError`, and its inputs are reproducible."""

import pytest

from tests.fuzzing import fuzz
from xlm.errors import DataError


def test_xlm_errors_pass_and_all_inputs_are_counted(capsys):
    def refuse(data):
        raise DataError("no")

    assert fuzz(refuse, [b"a", b"b"], most=50, seconds=60) == 50
    assert "50 inputs, 50 refused" in capsys.readouterr().out


def test_another_error_fails_and_names_the_input():
    def read(data):
        return data.decode("ascii")

    with pytest.raises(AssertionError, match=r"UnicodeDecodeError.*seed 3, input \d+"):
        fuzz(read, [b"plain text"], seed=3, seconds=60)


def test_the_same_seed_gives_the_same_inputs():
    runs = ([], [])
    for run in runs:
        fuzz(run.append, [b"one sample", b"another"], seed=1, most=60, seconds=60)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 30
