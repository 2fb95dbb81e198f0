"""Debian packages that are unpacked into a folder of ours instead of being installed."""

import shutil
import subprocess
from pathlib import Path

from pythons import run

QEMU = "qemu-aarch64-static"  # of the package qemu-user-static


def _apt(state: Path, architecture: str, suite: str | None, *command: str) -> None:
    """apt on a private root, which knows one architecture and, if a suite is named, that one alone."""
    for part in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "state" / "status").touch()
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::State": state / "state",
        "Dir::State::status": state / "state" / "status",
        "Dir::Cache": state / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
    }
    if suite:
        (state / "sources.list").write_text(f"deb {mirror()} {suite} main\n")
        options["Dir::Etc::sourcelist"] = state / "sources.list"
        options["Dir::Etc::sourceparts"] = "/dev/null"
        options["Acquire::Check-Valid-Until"] = "false"  # mirrors of one moment are older than a week
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    run(["apt-get", "-qq", *given, *command], stdout=subprocess.DEVNULL)


def mirror() -> str:
    """Where apt gets Debian's packages from."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return next(site for site in told if site.rstrip("/").endswith("/debian")).rstrip("/")


def unpack(folder: Path, packages: list[str], architecture: str, suite: str | None = None) -> Path:
    """Has `packages`, and what they need, in folder/root, which is answered; done once. Without a suite they are those
    that apt would install here."""
    root, ready = folder / "root", folder / "ready"
    if ready.exists():
        return root
    shutil.rmtree(folder, ignore_errors=True)
    root.mkdir(parents=True)
    _apt(folder / "apt", architecture, suite, "update")
    download = ["--yes", "--no-install-recommends", "--download-only", "install", *packages]
    _apt(folder / "apt", architecture, suite, *download)
    for package in sorted((folder / "apt" / "cache" / "archives").glob("*.deb")):
        run(["dpkg", "-x", package, root])
    if not (root / "lib").exists():  # as it is since Debian 13, where programs still seek their loader
        (root / "lib").symlink_to("usr/lib")
    shutil.rmtree(folder / "apt")
    ready.touch()
    return root


def under_qemu(root: Path) -> list[str]:
    """The command that a program for arm64 is an argument of, which finds its loader and libraries in such a folder.
    Signing pointers, as Debian's newer programs do at each call, would take most of the time."""
    return [QEMU, "-cpu", "max,pauth=off", "-L", str(root)]
