"""A user's folder with files named as modules are: none of them may be imported."""

from pathlib import Path

NAMES = ("random", "grp", "json", "torch", "typing", "xlm", "flows", "prefect", "sitecustomize")


def hostile_folder(folder: Path) -> Path:
    """Fill a folder; whoever imports something from it leaves `<module>.imported` there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        mark = folder / f"{name}.imported"
        (folder / f"{name}.py").write_text(
            f"open({str(mark)!r}, 'w').close()\nraise SystemExit(9)\n"
        )
    return folder


def imported_from(folder: Path) -> list[str]:
    """The modules of a hostile folder that were imported."""
    return sorted(mark.stem for mark in folder.glob("*.imported"))
