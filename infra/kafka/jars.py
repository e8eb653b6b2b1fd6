"""The broker's jars: fetched once by Maven, kept in a cache that every later run reuses.

The cache stands at `$XDG_CACHE_HOME/impact-calendar/kafka` (`~/.cache/...` by default), one directory for each content of pom.xml. A
directory is renamed into place when it is complete, under a lock, so first runs at the same time do not disturb each other.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.kafka.errors import BrokerError, MissingToolError

__all__ = ["ensure_jars", "find_java"]

POM = Path(__file__).with_name("pom.xml")
MINIMUM_JAVA = 17
REMEDY = (
    "Install Java 17 and Maven (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk@17 maven), "
    "or start Docker: its engine is used when they are missing."
)


def default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "impact-calendar" / "kafka"


def find_java() -> str:
    """The path of a java of version 17 or newer ($JAVA_HOME first). Raises MissingToolError."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    if java is None:
        raise MissingToolError(f"java is not on the PATH. {REMEDY}")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    match = re.search(r'version "(\d+)(?:\.(\d+))?', answer.stderr + answer.stdout)
    if match is None:
        raise MissingToolError(f"`{java} -version` does not tell a version. {REMEDY}")
    major = int(match[2] or 0) if match[1] == "1" else int(match[1])
    if major < MINIMUM_JAVA:
        raise MissingToolError(f"{java} is Java {major}; Apache Kafka needs {MINIMUM_JAVA} or newer. {REMEDY}")
    return java


def ensure_jars(cache: Path | None = None) -> Path:
    """The directory with the broker's jars; fetches them when this pom was never fetched before. Raises BrokerError."""
    cache = cache or default_cache()
    libs = cache / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    if libs.is_dir():
        return libs
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache / "lock"):
        if not libs.is_dir():
            _fetch(libs)
    return libs


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(libs: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise MissingToolError(f"mvn is not on the PATH, and the broker's jars are not in {libs.parent} yet. {REMEDY}")
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix="fetch-") as scratch:
        pom = Path(shutil.copy(POM, scratch))
        target = Path(scratch) / "libs"
        command = [mvn, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0 or not any(target.glob("kafka_*.jar")):
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise BrokerError(f"Maven could not fetch the broker's jars (exit {done.returncode}):\n{tail}")
        target.rename(libs)
