"""Sizes of folders that other processes write to."""

import threading
from pathlib import Path

from xlm.store.disk.filesystem import write_atomically
from xlm.store.stored import tree_bytes


def test_a_folder_that_changes_has_a_size(tmp_path: Path) -> None:
    """Drafts are renamed and folders removed while it is read."""
    (tmp_path / "kept").write_bytes(b"x" * 100)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            folder = tmp_path / "folder"
            write_atomically(folder / "record", b"y")
            (folder / "record").unlink()
            folder.rmdir()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        sizes = {tree_bytes(tmp_path) for _ in range(300)}
    finally:
        ended.set()
        thread.join()
    assert sizes <= {100, 101, 102}  # a renamed file may be seen twice
    assert tree_bytes(tmp_path / "missing") == 0
