"""Build the `fast` program of fastBPE, which learns byte-pair codes, into this environment.

    .venv/bin/python infra/build_fastbpe.py

The Python module of the same name only applies codes. The source is the sdist on PyPI, got with
pip and checked by digest. Needs pip and g++, nothing else; does nothing when the program is there
and works.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REQUIREMENT = "fastBPE==0.1.0"
ARCHIVE_SHA256 = "95eef4be2689e822a918ac4eae3349cd78ca3f28af591afa421f8fac6d4cd889"
SOURCES = ("fastBPE-0.1.0/fastBPE/main.cc", "fastBPE-0.1.0/fastBPE/fastBPE.hpp")
COMPILE = ("-std=c++11", "-pthread", "-O3")
EXPECTED_CODES = "a b 3\nab c</w> 2\n"


def main() -> None:
    """Build where needed; one clear line and exit 1 when it cannot be done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--prefix", type=Path, default=Path(sys.prefix), help="its bin/ gets fast")
    parser.add_argument("--archive", type=Path, help="the sdist, if it is at hand")
    parser.add_argument("--force", action="store_true", help="build even if the program works")
    arguments = parser.parse_args()
    program = arguments.prefix / "bin" / "fast"
    if works(program) and not arguments.force:
        print(f"{program} is there")
        return
    try:
        build(program, arguments.archive)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or "").strip().splitlines()[-1:]
        sys.exit(f"fastBPE was not built: {error}{': ' + said[0] if said else ''}")
    print(f"{program} built")


def build(program: Path, archive: Path | None) -> None:
    """Fetch, check, compile, try, and only then put the program in its place."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        archive = archive or download(scratch)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != ARCHIVE_SHA256:
            raise ValueError(f"{archive.name} has sha256 {found}, not {ARCHIVE_SHA256}")
        main_source = unpack(archive, scratch)
        compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
        if not compiler:
            raise ValueError("no C++ compiler; install g++")
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f".fast.{os.getpid()}")
        try:
            call(compiler, *COMPILE, str(main_source), "-o", str(fresh))
            if not works(fresh):
                raise ValueError("the compiled program learns something else than expected")
            fresh.replace(program)
        finally:
            fresh.unlink(missing_ok=True)


def download(scratch: Path) -> Path:
    """The sdist through pip, so that the user's own index and proxy settings hold."""
    # pip runs the sdist's setup.py to read its metadata: with the setuptools at hand if there is
    # one (no network needed for it), else in an environment that pip makes.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("setuptools") else []
    call(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-binary", ":all:", *isolation, "--dest", str(scratch), REQUIREMENT),
    )
    return next(scratch.glob("fastBPE-*.tar.gz"))


def unpack(archive: Path, scratch: Path) -> Path:
    """Only the two files that are compiled; returns the main one."""
    with tarfile.open(archive) as members:
        for source in SOURCES:
            content = members.extractfile(source)
            if content is None:
                raise ValueError(f"{archive.name} has no {source}")
            (scratch / Path(source).name).write_bytes(content.read())
    return scratch / Path(SOURCES[0]).name


def works(program: Path) -> bool:
    """Whether the program is there and learns two known merges."""
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "text"
        text.write_text("abc abc abz\n")
        try:
            done = subprocess.run(
                [program, "learnbpe", "2", text], capture_output=True, text=True, timeout=60
            )
        except OSError:
            return False
    return done.stdout == EXPECTED_CODES


def call(*command: str) -> None:
    """Run to success, keeping what it says for the error."""
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)


if __name__ == "__main__":
    main()
