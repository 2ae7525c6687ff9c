"""What the comparisons share: the Rust program beside them, the machine, and tables."""

import datetime
import json
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent


def build():
    """Builds the Rust program; returns its path."""
    manifest = ["--manifest-path", str(HERE / "Cargo.toml")]
    subprocess.run(["cargo", "build", "--release", "--locked", *manifest], check=True)
    metadata = subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps", *manifest],
                              check=True, capture_output=True, text=True)
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "mixlaw-peers"


def run_rust(program, *command, **flags):
    """What a command of the Rust program prints."""
    flags = [text for name, value in flags.items()
             for text in ("--" + name.replace("_", "-"), str(value))]
    print("mixlaw-peers", *command, *flags, file=sys.stderr)
    done = subprocess.run([program, *command, *flags], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def machine(crates):
    """What the figures depend on, with the versions of these crates."""
    lock = tomllib.loads((HERE / "Cargo.lock").read_text())["package"]
    version = {package["name"]: package["version"] for package in lock}
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.machine())
    return {
        "date": datetime.date.today().isoformat(), "cpu": f"{cpu}, one core of {os.cpu_count()}",
        **{crate: version[crate] for crate in crates}, "rustc": rustc.stdout.split()[1],
        "python": platform.python_version(),
    }


def table(head, rows):
    """Prints a table in markdown."""
    for row in [head, ["---"] * len(head), *rows]:
        print("|", " | ".join(row), "|")
    print()
