"""Resolve the dependencies anew, once for every supported pair of Airflow and Python, into constraints/."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = {"3.3.2": ("3.10", "3.11", "3.12", "3.13", "3.14"), "2.11.2": ("3.10", "3.11", "3.12")}
# What Amazon's managed Airflow 2.11.2 pins: the oldest that the provider has to run on.
ALSO_PINNED = {"3.3.2": [], "2.11.2": ["apache-airflow-providers-common-compat==1.14.0"]}


def main() -> None:
    for airflow, pythons in PYTHONS.items():
        for python in pythons:
            path = ROOT / "constraints" / f"airflow-{airflow}-py{python}.txt"
            header = f"# Made by `make constraints`: Airflow {airflow} on Python {python}\n"
            path.write_text(header + resolve(airflow, python))
            print(path.relative_to(ROOT))


def resolve(airflow: str, python: str) -> str:
    """Return the pins; for the lowest patch level of ``python``, so that every later one can take them."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write("\n".join([f"apache-airflow=={airflow}", *ALSO_PINNED[airflow]]))
        pinned.flush()
        command = [
            str(ROOT / ".tools" / "bin" / "uv"),
            "pip",
            "compile",
            "--quiet",
            "--no-annotate",
            "--no-header",
            "--all-extras",
            "--no-python-downloads",
            "--python-version",
            f"{python}.0",
            "--constraint",
            pinned.name,
            "setup.cfg",
        ]
        resolved = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return resolved.stdout


if __name__ == "__main__":
    main()
