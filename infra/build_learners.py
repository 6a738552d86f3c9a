"""Build the two BPE learners, `fast` and `learn-bpe`, into this environment.

    .venv/bin/python infra/build_learners.py

`fast` is the program of fastBPE; its Python module cannot learn merges. pip downloads its sdist,
which is checked by digest. `learn-bpe` is ours, from `xlm/bpe/native`. This needs only pip and g++.
A program that works is not built again, unless our sources have changed.
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
from collections.abc import Sequence
from pathlib import Path

REQUIREMENT = "fastBPE==0.1.0"
ARCHIVE_SHA256 = "95eef4be2689e822a918ac4eae3349cd78ca3f28af591afa421f8fac6d4cd889"
SOURCES = ("fastBPE-0.1.0/fastBPE/main.cc", "fastBPE-0.1.0/fastBPE/fastBPE.hpp")
NATIVE = Path(__file__).resolve().parent.parent / "xlm" / "bpe" / "native"
COMPILE = ("-pthread", "-O3")
TRIAL = "abc abc abz\n"
EXPECTED_CODES = "a b 3\nab c</w> 2\n"


def main() -> None:
    """Build what is missing; print one line and exit with 1 if that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--prefix", type=Path, default=Path(sys.prefix), help="install into its bin/"
    )
    parser.add_argument("--archive", type=Path, help="the sdist of fastBPE, instead of a download")
    parser.add_argument("--force", action="store_true", help="build even if the programs work")
    arguments = parser.parse_args()
    binaries = arguments.prefix / "bin"
    fast, ours = binaries / "fast", binaries / "learn-bpe"
    try:
        if arguments.force or not works(fast, "learnbpe"):
            build_fast(fast, arguments.archive)
        else:
            print(f"{fast} is up to date")
        if arguments.force or not works(ours) or source_digest_of(ours) != native_digest():
            build_ours(ours)
        else:
            print(f"{ours} is up to date")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        last = (getattr(error, "stderr", "") or "").strip().splitlines()[-1:]
        sys.exit(f"build failed: {error}{': ' + last[0] if last else ''}")


def build_fast(program: Path, archive: Path | None) -> None:
    """Download, check and compile fastBPE."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        archive = archive or download(scratch)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != ARCHIVE_SHA256:
            raise ValueError(f"{archive.name} has sha256 {found}, not {ARCHIVE_SHA256}")
        compile_program(program, ["-std=c++11", str(unpack(archive, scratch))], "learnbpe")


def build_ours(program: Path) -> None:
    """Compile our own learner, and write the digest of its sources next to it."""
    sources = [str(path) for path in sorted(NATIVE.glob("*.cc"))]
    compile_program(program, ["-std=c++17", *sources])
    stamp_of(program).write_text(native_digest())


def compile_program(program: Path, arguments: Sequence[str], *verb: str) -> None:
    """Compile and test a program, then move it into place."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not compiler:
        raise ValueError("there is no C++ compiler; install g++")
    program.parent.mkdir(parents=True, exist_ok=True)
    fresh = program.with_name(f".{program.name}.{os.getpid()}")
    try:
        call(compiler, *COMPILE, *arguments, "-o", str(fresh))
        if not works(fresh, *verb):
            raise ValueError(f"the compiled {program.name} does not learn the expected merges")
        fresh.replace(program)
    finally:
        fresh.unlink(missing_ok=True)
    print(f"{program} built")


def stamp_of(program: Path) -> Path:
    """The file with the digest of the sources of our program."""
    return program.with_name(f".{program.name}.sha256")


def source_digest_of(program: Path) -> str:
    """The digest of the sources that our program was built from, if there is one."""
    stamp = stamp_of(program)
    return stamp.read_text() if stamp.exists() else ""


def native_digest() -> str:
    """The digest of our sources and compiler options."""
    digest = hashlib.sha256(" ".join(COMPILE).encode())
    for path in sorted(NATIVE.glob("*.[ch][ch]")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def download(scratch: Path) -> Path:
    """Download the sdist with pip, which uses the user's index and proxy settings."""
    # pip runs the sdist's setup.py to read its metadata. It uses the installed setuptools, which
    # needs no network, or else an environment that it makes.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("setuptools") else []
    call(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-binary", ":all:", *isolation, "--dest", str(scratch), REQUIREMENT),
    )
    return next(scratch.glob("fastBPE-*.tar.gz"))


def unpack(archive: Path, scratch: Path) -> Path:
    """Extract only the two files that are compiled; returns the main one."""
    with tarfile.open(archive) as members:
        for source in SOURCES:
            content = members.extractfile(source)
            if content is None:
                raise ValueError(f"{archive.name} has no {source}")
            (scratch / Path(source).name).write_bytes(content.read())
    return scratch / Path(SOURCES[0]).name


def works(program: Path, *verb: str) -> bool:
    """Whether the program exists and learns two known merges."""
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "text"
        text.write_text(TRIAL)
        try:
            done = subprocess.run(
                [program, *verb, "2", text], capture_output=True, text=True, timeout=60
            )
        except OSError:
            return False
    return done.stdout == EXPECTED_CODES


def call(*command: str) -> None:
    """Run a command; an error contains what it printed."""
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)


if __name__ == "__main__":
    main()
