"""What a release consists of, for this kind of machine, in target/dist: the `hug` command in an archive, the zips of
both functions, and SHA256SUMS. The same files make the same bytes: they have one order, no owner and one time.

`make dist` builds first. `infra/dist.py sums` only writes SHA256SUMS again, for the archives of several machines.
"""

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "target/dist"

# Beside the command, for those who have only the archive: the pages that README.md names, too.
DOCS = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*") if file.is_file())
PAGES = [*DOCS, "CONTRIBUTING.md", "SECURITY.md", "infra/README.md", "tests/simulation/README.md"]
BESIDE = ["hug.example.toml", "README.md", "CHANGELOG.md", "LICENSE", "LICENSE-APACHE", "LICENSE-MIT", *PAGES]

# The first moment that a zip can name.
TIME = (1980, 1, 1, 0, 0, 0)


def version() -> str:
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    found: str = manifest["workspace"]["package"]["version"]
    return found


def host() -> str:
    """The kind of this machine, as Rust calls it: x86_64-unknown-linux-gnu."""
    printed = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    lines = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
    return lines["host"]


def archive(command: Path, target: str) -> Path:
    """The command and what belongs to it, in a folder of its own."""
    name = f"hug-{version()}-{target}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for inside, file in {"hug": command, **{one: ROOT / one for one in BESIDE}}.items():
            entry = tarfile.TarInfo(f"{name}/{inside}")
            content = file.read_bytes()
            entry.size = len(content)
            entry.mode = 0o755 if file == command else 0o644
            tar.addfile(entry, io.BytesIO(content))
    made = DIST / f"{name}.tar.gz"
    # Neither a name nor a time in the header.
    made.write_bytes(gzip.compress(packed.getvalue(), compresslevel=9, mtime=0))
    return made


def function(name: str, architecture: str) -> Path:
    """A function as Lambda takes it: its binary, called bootstrap."""
    made = DIST / f"{name}-{version()}-{architecture}.zip"
    entry = zipfile.ZipInfo("bootstrap", TIME)
    entry.external_attr = 0o755 << 16
    entry.create_system = 3
    with zipfile.ZipFile(made, "w") as zipped:
        content = (ROOT / "target/lambda" / name / "bootstrap").read_bytes()
        zipped.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    return made


def write_sums() -> None:
    archives = sorted([*DIST.glob("*.tar.gz"), *DIST.glob("*.zip")])
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in archives]
    (DIST / "SHA256SUMS").write_text("".join(lines))
    for file, line in zip(archives, lines, strict=True):
        print(f"{file.stat().st_size:>9} bytes  {line}", end="")


def main() -> None:
    match sys.argv[1:]:
        case ["sums"]:
            pass
        case [command, *functions]:
            shutil.rmtree(DIST, ignore_errors=True)
            DIST.mkdir(parents=True)
            archive(Path(command), host())
            for name in functions:
                one, architecture = name.split(":")
                function(one, architecture)
        case _:
            sys.exit("usage: infra/dist.py (sums | COMMAND [FUNCTION:ARCHITECTURE …])")
    write_sums()


if __name__ == "__main__":
    main()
