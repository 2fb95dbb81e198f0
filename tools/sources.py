"""Upstream archives of Debian's source packages, fetched once into .cache."""

import lzma
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import packages
from pythons import CACHE, run

TESTING, STABLE = "forky", "trixie"  # Debian's releases


def _archives_of(package: str, suite: str) -> list[str]:
    """Where the mirror has the upstream archive, as its index of sources says; then where it may have older ones of the
    same series, since not every mirror has all that its index names."""
    with urllib.request.urlopen(f"{packages.mirror()}/dists/{suite}/main/source/Sources.xz") as page:
        sources = lzma.decompress(page.read()).decode()
    entry = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)+", sources, re.M)[0]
    folder = re.search(r"^Directory: (.+)$", entry, re.M)[1]
    start, latest, end = re.search(r"(\S+[.])(\d+)(\S*[.]orig[.]tar[.]\w+)$", entry, re.M).groups()
    releases = [*range(int(latest), -1, -1), "0~rc3", "0~rc2", "0~rc1"]
    return [f"{folder}/{start}{release}{end}" for release in releases]


def _download(package: str, suite: str, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    new = archive.with_suffix(".new")
    for place in _archives_of(package, suite):
        try:
            urllib.request.urlretrieve(f"{packages.mirror()}/{place}", new)
        except urllib.error.HTTPError:
            continue
        new.rename(archive)
        return
    sys.exit(f"sources: the mirror has no source of {package}")


def unpack(package: str, suite: str, folder: Path) -> Path:
    """Unpacks the archive of `package` into `folder`; where its top folder is then."""
    archive = CACHE / "sources" / f"{package}.tar"  # compressed in one way or another
    if not archive.exists():
        _download(package, suite, archive)
    folder.mkdir(parents=True, exist_ok=True)
    run(["tar", "-xf", archive, "-C", folder])
    return next(folder.iterdir())
