from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from stratapolis.cli.local import daemon
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.postgres import Postgres
from stratapolis.cli.local.process import running_in
from stratapolis.cli.local.stores import Stores

OTHER_PORT = 21932


async def run(dsn: str, *statements: str) -> object:
    """The first value of the last statement."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def test_what_was_committed_survives_kill_9(stores: Stores) -> None:
    dsn = await stores.postgres.create_database("survives")
    await run(dsn, "create table kept (n int)", "insert into kept select generate_series(1, 1000)", "select 1")
    await stores.postgres.kill()
    await stores.postgres.restart()
    assert await run(dsn, "select count(*) from kept") == 1000


async def test_it_starts_again_though_its_backends_outlived_it_frozen(stores: Stores) -> None:
    dsn = await stores.postgres.create_database("outlived")
    connection = await asyncpg.connect(dsn)
    stores.postgres.freeze()
    await stores.postgres.kill()
    await stores.postgres.restart()
    connection.terminate()
    assert await run(dsn, "select 1") == 1


async def test_a_frozen_server_answers_nothing_until_it_thaws(stores: Stores) -> None:
    connection = await asyncpg.connect(stores.postgres.dsn())
    stores.postgres.freeze()
    asked = asyncio.create_task(connection.fetchval("select 7"))
    try:
        done, _ = await asyncio.wait({asked}, timeout=0.3)
        assert not done
    finally:
        stores.postgres.thaw()
    assert await asyncio.wait_for(asked, 10) == 7
    await connection.close()


async def test_no_app_reads_another_apps_database(stores: Stores) -> None:
    await stores.postgres.create_database("policy_a", "its own secret")
    await stores.postgres.create_database("data_a", "another secret")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(stores.postgres.dsn("policy_a", "data_a"), "select 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(stores.postgres.dsn("postgres", "data_a"), "select 1")
    wrong = stores.postgres.dsn("policy_a", "policy_a").replace("its%20own%20secret", "guessed")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run(wrong, "select 1")


async def test_making_a_database_again_keeps_its_rows_and_its_password(stores: Stores) -> None:
    dsn = await stores.postgres.create_database("again")
    await run(dsn, "create table kept (n int)", "insert into kept values (5)", "select 1")
    assert await stores.postgres.create_database("again") == dsn
    assert await run(dsn, "select n from kept") == 5
    changed = await stores.postgres.create_database("again", "o'ther\\")
    assert await run(changed, "select n from kept") == 5


@pytest.mark.parametrize("name", ["", "Data", 'a"; drop role city; --', "1st", "a" * 64])
async def test_a_name_that_is_no_name_is_refused(stores: Stores, name: str) -> None:
    with pytest.raises(LocalCityError, match="is no name for a database"):
        await stores.postgres.create_database(name)


async def test_acknowledged_means_on_disk(stores: Stores) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await run(stores.postgres.dsn(), f"show {setting}") == "on"
    assert await run(stores.postgres.dsn(), "show max_connections") == "300"


async def test_passwords_are_for_their_owner_alone_and_on_no_command_line(stores: Stores) -> None:
    kept = stores.postgres.folder / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    secret = stores.postgres.dsn().split(":")[2].split("@")[0]
    assert len(secret) >= 20
    assert secret not in " ".join(psutil.Process(stores.postgres.pid).cmdline())


async def test_a_second_server_on_the_folder_is_refused_and_the_first_lives(stores: Stores) -> None:
    with pytest.raises(LocalCityError, match="postgres is already running in"):
        async with Postgres(stores.postgres.folder, OTHER_PORT):
            pass
    assert await stores.postgres.ready()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 30 MB, too small for a database."""
    disk = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/var/tmp"))
    try:
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m,mode=755", "none", str(disk)], check=False).returncode:
            pytest.skip("only root may mount a small disk")
        yield disk
        subprocess.run(["umount", str(disk)], check=True)
    finally:
        disk.rmdir()


async def test_a_disk_all_but_full_is_named_before_anything_starts(small_disk: Path) -> None:
    with pytest.raises(LocalCityError, match="the disk is full: 30 MB are free"):
        async with Postgres(small_disk / "postgres", OTHER_PORT):
            pass
    assert not (small_disk / "postgres").exists()


async def test_a_disk_that_fills_up_while_the_data_are_made_is_named(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "require_space", lambda _folder: None)
    with pytest.raises(LocalCityError, match=r"could not be made.*: the disk is full"):
        async with Postgres(small_disk / "postgres", OTHER_PORT):
            pass
    assert running_in(small_disk / "postgres" / "data.new", "postgres") == {}


async def test_our_own_writing_on_a_full_disk_is_named_too(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "require_space", lambda _folder: None)
    with contextlib.suppress(OSError):
        (small_disk / "filler").write_bytes(bytes(31 << 20))
    with pytest.raises(LocalCityError, match=r"could not be made ready in .*: the disk is full"):
        async with Postgres(small_disk / "postgres", OTHER_PORT):
            pass
