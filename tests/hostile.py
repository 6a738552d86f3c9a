"""A user folder with files that have the names of modules, which must not be imported."""

from pathlib import Path

NAMES = ("random", "grp", "json", "torch", "typing", "xlm", "flows", "prefect", "sitecustomize")


def hostile_folder(folder: Path) -> Path:
    """Fill a folder with modules that write `<module>.imported` there when they are imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        mark = folder / f"{name}.imported"
        (folder / f"{name}.py").write_text(
            f"open({str(mark)!r}, 'w').close()\nraise SystemExit(9)\n"
        )
    return folder


def imported_from(folder: Path) -> list[str]:
    """Return the modules of a hostile folder that were imported."""
    return sorted(mark.stem for mark in folder.glob("*.imported"))
