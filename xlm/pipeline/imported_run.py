"""The record of a run that comes from another store: checked, then added as a run of this one."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xlm.errors import DataError, StoreError, XlmError
from xlm.pipeline.run_record import (
    RunRecord,
    next_number,
    read_record,
    record_paths,
    write_record,
)
from xlm.store.disk.filesystem import make_real_directory
from xlm.store.disk.locks import build_lock

_COMPARED = ("started", "request", "nodes")
_TIME_DIGITS = 20


def checked_record(values: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Check a run record that comes from an archive.

    Raises:
        DataError: it is not a valid record.
    """
    try:
        return RunRecord.model_validate_json(json.dumps(values)).model_dump(mode="json")
    except (ValueError, RecursionError, XlmError):
        raise DataError(f"{source}: its run record is not valid", fix="export it again") from None


def add_imported_record(root: Path, record: Mapping[str, Any]) -> None:
    """Add the record of a run of another store, unless it is here.

    A run that had not ended there counts as stopped here.
    """
    state = "stopped" if record["state"] == "running" else record["state"]
    home = make_real_directory(root, "runs")
    with build_lock(root / "locks", "runs"):
        for path in record_paths(root):
            with suppress(StoreError):
                found = read_record(path)
                if all(found[name] == record[name] for name in _COMPARED):
                    return
        number = next_number(home)
        digits = re.sub(r"\D", "", record["started"], flags=re.ASCII)
        digits = digits[:_TIME_DIGITS].ljust(_TIME_DIGITS, "0")
        path = home / f"{number:06d}-{digits[:8]}T{digits[8:]}.json"
        write_record(path, {**record, "state": state, "lease": None})
