"""Make `.venv` from a bare checkout; this needs only Python 3.11+, pip and g++.

    python3 infra/bootstrap.py

Does nothing if the environment was made from the same files. An environment keeps its version of
Python; PYTHON=python3.13 makes it again if it has another one. Set TORCH_INDEX_URL to install torch
from another index, such as that of a CUDA version, and XLM_EXTRAS to install other extras than
those of development: `remote,kubernetes`, or nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
VENV = HOME / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "bootstrap.sha256"
INPUTS = (
    "pyproject.toml",
    "infra/constraints.txt",
    "infra/bootstrap.py",
    "infra/build_learners.py",
    *sorted(str(path.relative_to(HOME)) for path in HOME.glob("xlm/bpe/native/*.[ch][ch]")),
)

TORCH = "torch==2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# fastBPE's sdist contains C++ that was generated for Python < 3.11. With Cython it is generated
# again, and without build isolation it finds Cython.
FASTBPE = "fastBPE==0.1.0"
BUILD_TOOLS = ("cython>=3", "setuptools>=77", "wheel")
EXTRAS = ("test", "dev", "docs")
PROGRAMS = ("fast", "learn-bpe")

OURS = "{}.{}".format(*sys.version_info)
ASK_VERSION = """\
import os, sys, sysconfig
if os.path.isdir(sysconfig.get_path("purelib")):
    print("{}.{}".format(*sys.version_info))
"""


def main() -> None:
    """Create and fill the environment, then write a digest of the files that it was made from."""
    if sys.version_info < (3, 11):  # noqa: UP036 - any python3 may start this file
        sys.exit("bootstrap: Python 3.11 or newer is needed; set for example PYTHON=python3.12")
    if not (os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")):
        sys.exit("bootstrap: there is no C++ compiler; install g++ (Debian: apt-get install g++)")
    stamp = _stamp()
    usable = _is_usable(_version_of(PYTHON), wanted=os.environ.get("PYTHON", ""))
    if usable and _is_current(stamp):
        return
    if not usable:
        _say(f"creating .venv with Python {OURS}")
        _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    _pip("uv")
    _install_torch()
    _say("installing the packages")
    constraints = str(HOME / "infra" / "constraints.txt")
    _uv(*BUILD_TOOLS, "-c", constraints)
    _uv(FASTBPE, "--no-build-isolation", "-c", constraints)
    _uv("-e", _ourselves(), "--no-build-isolation", "-c", constraints)
    _say("compiling the packages")
    _compile()
    _say("building the BPE learners")
    _run(str(PYTHON), str(HOME / "infra" / "build_learners.py"))
    STAMP.write_text(stamp)


def _version_of(python: Path) -> str:
    """A version such as 3.11; empty if it does not run, or its version has no packages here."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", ASK_VERSION], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _is_usable(version: str, wanted: str) -> bool:
    """Whether the environment can be kept.

    Without PYTHON, any python3 may run this file: its version is not a reason to reinstall.
    """
    return bool(version) and (not wanted or version == OURS)


def _is_current(stamp: str) -> bool:
    """Whether the environment was made from these files and still has the programs built here."""
    programs = (VENV / "bin" / name for name in PROGRAMS)
    return STAMP.exists() and STAMP.read_text() == stamp and all(map(Path.exists, programs))


def _install_torch() -> None:
    """Install the CPU build unless there is a GPU; pip also uses the user's own indexes."""
    index = os.environ.get("TORCH_INDEX_URL")
    if index:
        _say(f"installing {TORCH} from {index}")
        _pip(TORCH, "--index-url", index)
    elif shutil.which("nvidia-smi"):
        _say(f"installing {TORCH} for CUDA (a GPU was found)")
        _pip(TORCH)
    else:
        _say(f"installing {TORCH} for CPU (no GPU was found)")
        if _pip(TORCH, "--index-url", CPU_INDEX, check=False):
            _say("the CPU index does not answer; using the default index")
            _pip(TORCH)


def _ourselves() -> str:
    """The project with the extras that the user chose."""
    chosen = os.environ.get("XLM_EXTRAS", ",".join(EXTRAS)).strip()
    return f"{HOME}[{chosen}]" if chosen else str(HOME)


def _pip(*arguments: str, check: bool = True) -> int:
    command = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    return _run(*command, *arguments, check=check)


def _uv(*arguments: str) -> None:
    _run(str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(PYTHON), *arguments)


def _compile() -> None:
    """Compile all packages to bytecode, which uv does not do.

    Its `--compile-bytecode` skips packages that were installed before. Without bytecode, imports
    take seconds more in the first run, and in all runs of users who may not write here. Some
    packages contain templates that do not compile, so the status is not checked.
    """
    for library in sorted(VENV.glob("lib/python*/site-packages")):
        _run(str(PYTHON), "-m", "compileall", "-q", "-j", "0", str(library), check=False)


def _run(*command: str, check: bool = True) -> int:
    quiet = None if check else subprocess.DEVNULL
    done = subprocess.run(command, cwd=HOME, stdout=quiet, stderr=quiet, check=False)
    returncode = done.returncode
    if check and returncode:
        sys.exit(f"bootstrap: `{' '.join(command)}` failed with exit code {returncode}")
    return returncode


def _say(text: str) -> None:
    print(f"bootstrap: {text}", flush=True)


def _stamp() -> str:
    digest = hashlib.sha256(os.environ.get("XLM_EXTRAS", "").encode())
    for name in INPUTS:
        digest.update((HOME / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
