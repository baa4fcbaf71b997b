"""Make the virtual environment that `make test` and `make demo` run in, or leave it alone when nothing changed.

Needs a Python with pip and nothing else: no venv module, no ensurepip, nothing of the system is written to (PEP 668).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV = "uv==0.13.9"
# An environment takes 0.7 GB and uv's cache of what it downloaded about as much.
NEEDED_MB = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path, help="the folder to make, such as .venv")
    parser.add_argument("--airflow", required=True, help="the Airflow version, such as 3.3.2")
    parser.add_argument("--extra", default="", help="add what this extra of setup.cfg asks for")
    arguments = parser.parse_args()
    environment = ROOT / arguments.environment

    constraints = constraints_for(arguments.airflow)
    stamp = environment / f".made-from{arguments.extra and '-'}{arguments.extra}"
    fingerprint = fingerprint_of(constraints)
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    check_disk_space(environment)
    install_uv()
    make(environment)
    install(environment, constraints, arguments.extra)
    stamp.write_text(fingerprint)


def constraints_for(airflow: str) -> Path:
    """Find the pins of this Airflow on this Python, or say what there is."""
    python = "{}.{}".format(*sys.version_info)
    path = ROOT / "constraints" / f"airflow-{airflow}-py{python}.txt"
    if not path.is_file():
        others = ", ".join(sorted(p.stem for p in path.parent.glob("airflow-*.txt")))
        stop(f"no constraints for Airflow {airflow} on Python {python}; there are {others}")
    return path


def fingerprint_of(constraints: Path) -> str:
    """Name everything that the environment is made from: the pins, the requirements, the Python, the place."""
    digest = hashlib.sha256()
    for path in (constraints, ROOT / "setup.cfg", ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()} {sys.version} {sys.base_prefix} {ROOT}"


def check_disk_space(environment: Path) -> None:
    """Say so before a download of minutes ends in "no space left on device"."""
    if environment.is_dir():
        return  # it only changes, most of it is there already
    free_mb = shutil.disk_usage(ROOT).free // 1_000_000
    if free_mb < NEEDED_MB:
        stop(f"{NEEDED_MB} MB of free disk space are needed for {environment}, there are {free_mb} MB")


def install_uv() -> None:
    installed = TOOLS / "bin" / "uv"
    if installed.is_file() and (TOOLS / f"{UV.replace('==', '-')}.dist-info").is_dir():
        return
    say(f"installing {UV} into .tools")
    shutil.rmtree(TOOLS, ignore_errors=True)
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--target",
        str(TOOLS),
        UV,
    )


def make(environment: Path) -> None:
    if (environment / "bin" / "python").exists() and is_of_this_python(environment):
        return
    say(f"making {environment.name} with Python {sys.version.split()[0]}")
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))


def is_of_this_python(environment: Path) -> bool:
    """Tell whether ``environment`` was made by the very Python that runs this."""
    asked = "import sys; print(sys.version, sys.base_prefix)"
    made_by = subprocess.run(
        [environment / "bin" / "python", "-c", asked], capture_output=True, text=True, check=False
    ).stdout
    return made_by.strip() == f"{sys.version} {sys.base_prefix}"


def install(environment: Path, constraints: Path, extra: str) -> None:
    """Install the pinned dependencies and this project, editable, so that Airflow finds the provider."""
    extras = f"s3,sftp,ftp,xlsx,openlineage,test{extra and ','}{extra}"
    say(f"installing into {environment.name} what {constraints.relative_to(ROOT)} pins (about a minute, once)")
    # Without compiled bytecode every start of Airflow takes three seconds more.
    uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(environment / "bin" / "python"),
       "--constraint", str(constraints), "--editable", f"{ROOT}[{extras}]")  # fmt: skip


def uv(*arguments: str) -> None:
    # uv knows nothing of pip's settings: whoever points pip at another index means all downloads.
    index = {"UV_DEFAULT_INDEX": os.environ["PIP_INDEX_URL"]} if "PIP_INDEX_URL" in os.environ else {}
    settings = {**index, **os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"}
    run(str(TOOLS / "bin" / "uv"), *arguments, env=settings)


def run(*command: str, env: dict[str, str] | None = None) -> None:
    ended = subprocess.run(command, env=env, check=False)
    if ended.returncode:
        stop(f"'{' '.join(command[:4])} …' failed with exit status {ended.returncode}; its own words are above")


def say(message: str) -> None:
    print(f"environment: {message}", flush=True)


def stop(message: str) -> None:
    sys.exit(f"environment: {message}")


if __name__ == "__main__":
    main()
