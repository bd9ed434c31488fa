"""PostgreSQL on loopback, for one stack: its own cluster, no Unix socket, a random password."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from finks.errors import ConfigurationError, SourceUnavailableError
from finks.loopback import HOST

from finks_flows.stack.layout import Choices, Layout, write_private
from finks_flows.stack.part import Part

_DEBIAN: Final = Path("/usr/lib/postgresql")
_USER: Final = "prefect"
_ACCOUNTS: Final = ("postgres", "nobody")
_CONNECT_SECONDS: Final = 5


def url(layout: Layout, choices: Choices) -> str:
    """The address of the database, as SQLAlchemy writes it. It holds the password."""
    return f"postgresql+asyncpg://{_USER}:{layout.secret('postgres')}@{HOST}:{choices.database_port}/{_USER}"


def part(layout: Layout, choices: Choices) -> Part:
    """How PostgreSQL is run. Makes its cluster when there is none.

    Raises:
        ConfigurationError: PostgreSQL is not installed, or its account cannot enter the directory.
        SourceUnavailableError: The cluster could not be made.
    """
    binaries = find_binaries()
    account = _account()
    _make_cluster(layout, binaries, account)
    settings = {
        "listen_addresses": HOST,
        "port": choices.database_port,
        # Nobody needs a socket, whose folder would be one more thing to guard.
        "unix_socket_directories": "",
        "logging_collector": "off",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Part(
        name="postgres",
        command=[str(binaries / "postgres"), "-D", str(layout.data), *options],
        environment=_environment(),
        given={},
        ready=lambda _: asyncio.run(_ready(layout, choices)),
        folder=layout.data,
        account=account,
    )


def find_binaries() -> Path:
    """The folder of `initdb` and `postgres`: on PATH, else the newest that Debian's packages installed.

    Raises:
        ConfigurationError: There is none.
    """
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(_DEBIAN.glob("*/bin"), key=lambda folder: -_version(folder.parent.name))
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        "PostgreSQL is not installed.",
        where=f"PATH and {_DEBIAN}/*/bin",
        expected="initdb and postgres",
        hint="On Debian and Ubuntu: sudo apt-get install postgresql. Elsewhere put its bin folder on PATH.",
    )


def _version(name: str) -> int:
    return int(name) if re.fullmatch(r"\d+", name) else 0


def _account() -> tuple[int, int] | None:
    """The account that runs PostgreSQL, which refuses root; None where this process is another's already."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise ConfigurationError(
        "PostgreSQL refuses to run as root, and no other account was found.",
        expected=f"one of the accounts {', '.join(_ACCOUNTS)}",
        hint="Run the command as an ordinary user.",
    )


def _make_cluster(layout: Layout, binaries: Path, account: tuple[int, int] | None) -> None:
    if (layout.data / "PG_VERSION").exists():
        return
    if account is not None:
        _refuse_closed(layout)
    shutil.rmtree(layout.data, ignore_errors=True)
    layout.data.mkdir(mode=0o700)
    password = layout.directory / "initdb.secret"
    write_private(password, layout.secret("postgres"))
    user, group = account or (None, None)
    if user is not None and group is not None:
        for each in (layout.data, password):
            os.chown(each, user, group)
    try:
        done = subprocess.run(  # noqa: S603
            [
                str(binaries / "initdb"),
                f"--pgdata={layout.data}",
                f"--username={_USER}",
                "--auth=scram-sha-256",
                f"--pwfile={password}",
                "--encoding=UTF8",
                "--locale=C",
            ],
            env=_environment(),
            cwd="/",
            user=user,
            group=group,
            extra_groups=None if group is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        password.unlink()
    if done.returncode:
        shutil.rmtree(layout.data, ignore_errors=True)
        raise SourceUnavailableError("PostgreSQL's data could not be made.", where=str(layout.data), got=done.stderr)


def _refuse_closed(layout: Layout) -> None:
    closed = next((folder for folder in layout.data.parents if not folder.stat().st_mode & 0o001), None)
    if closed is not None:
        raise ConfigurationError(
            "The account that runs PostgreSQL for root cannot enter the stack's directory.",
            where=str(closed),
            expected="a directory that every account may pass through",
            hint="Choose another with --directory, or run the command as an ordinary user.",
        )


async def _ready(layout: Layout, choices: Choices) -> bool:
    """Whether the database answers; makes Prefect's in a new cluster."""
    import asyncpg  # so that no other command pays for it

    try:
        connection = await asyncpg.connect(
            host=HOST,
            port=choices.database_port,
            user=_USER,
            password=layout.secret("postgres"),
            database="postgres",
            timeout=_CONNECT_SECONDS,
        )
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", _USER):
            await connection.execute(f"create database {_USER}")
    finally:
        await connection.close()
    return True


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
