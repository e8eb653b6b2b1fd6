"""`impact-calendar --version`: what runs here, without a setting or a broker."""

import tomllib
from pathlib import Path

from typer.testing import CliRunner

from streams.cli.main import app


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"impact-calendar {project['version']}\n")


def test_without_a_command_the_commands_are_shown() -> None:
    result = CliRunner().invoke(app, [])
    assert "publish" in result.output
