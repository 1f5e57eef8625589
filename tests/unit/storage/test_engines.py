"""From DATABASE_URL to an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Misconfigured
from storage import check, migrate, open_store
from storage.engines import file_of, is_in_memory, is_postgres, open_engine, read_url
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    "text",
    ["postgresql://u:p@h:5433/n?sslmode=require", "postgres://u@h/n", "postgresql+psycopg://u@h/n?connect_timeout=1"],
)
def test_postgresql_is_spoken_to_by_psycopg(text: str) -> None:
    url = read_url(text)
    assert url.drivername == "postgresql+psycopg"
    assert is_postgres(url)
    assert (is_in_memory(url), file_of(url)) == (False, None)


def test_a_url_keeps_its_own_options() -> None:
    url = read_url("postgresql://u@h/n?connect_timeout=1&options=-csearch_path%3Dmine")
    engine = open_engine(url)
    (_, arguments) = engine.dialect.create_connect_args(engine.url)
    assert arguments["connect_timeout"] == "1"
    assert arguments["options"] == "-csearch_path=mine"
    engine.dispose()


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_sqlite_without_a_path_is_in_memory(text: str) -> None:
    assert is_in_memory(read_url(text))
    assert file_of(read_url(text)) is None


def test_sqlite_with_a_path_is_a_file() -> None:
    assert file_of(read_url("sqlite:////var/x.db")) == Path("/var/x.db")
    assert file_of(read_url("sqlite:///x.db")) == Path("x.db")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "user:secret@host/name",
        "mysql://u:secret@h/n",
        "postgresql+asyncpg://u:secret@h/n",
        "postgresql://u:secret@h:port/n",
        "postgresql://u:secret@h/n?no_such_option=1",
        "sqlite+aiosqlite:///x.db",
    ],
)
@pytest.mark.parametrize("use", [check, migrate, lambda url: open_store(url, FakeClock())])
def test_a_wrong_url_names_the_setting_and_keeps_the_password(text: str, use: object) -> None:
    with pytest.raises(Misconfigured) as caught:
        use(text)  # type: ignore[operator] # one of three functions
    said = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "DATABASE_URL" in said
    assert "secret" not in said


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="file"):
        open_store(f"sqlite:///{tmp_path}/file/x.db", FakeClock())
