"""A private PostgreSQL cluster in a directory of its own, from the programs that the distribution installs."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["postgres_programs", "private_postgres"]

#: PostgreSQL refuses to run as root; where tests do, this user of every Debian runs it.
_SOMEBODY = "nobody"


def postgres_programs() -> Path | None:
    """The directory of `initdb` and `pg_ctl`, newest release first; None where they are not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    if installed:
        return installed[0].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def private_postgres(programs: Path) -> Iterator[str]:
    """The address of a running server, reached through a socket in its own directory; stopped and deleted afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="impact-pg-", dir="/tmp"))
    as_user: dict[str, Any] = {"user": _SOMEBODY, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(directory, _SOMEBODY, "nogroup")
    data, log = directory / "data", directory / "log"

    def run(program: str, *args: str) -> None:
        done = subprocess.run(
            [programs / program, *args], **as_user, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + (log.read_text() if log.exists() else "")

    options = f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=off -c full_page_writes=off"
    try:
        run("initdb", "-D", str(data), "-U", "impact", "-A", "trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
        try:
            yield f"postgresql://impact@/postgres?host={directory}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
