"""The pinned requirements: whole, hashed, without download addresses."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_ROOT = Path(__file__).parents[3]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())
_RUNTIME: list[str] = _PROJECT["project"]["dependencies"]
_DEV: list[str] = _PROJECT["dependency-groups"]["dev"]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^ ;\\]+)", re.MULTILINE)


def _pins(lock: str) -> dict[str, Version]:
    return {str(canonicalize_name(name)): Version(version) for name, version in _PIN.findall((_ROOT / lock).read_text())}


@pytest.mark.parametrize(("lock", "wanted"), [("requirements.lock", _RUNTIME), ("requirements-dev.lock", _RUNTIME + _DEV)])
def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows(lock: str, wanted: list[str]) -> None:
    pins = _pins(lock)
    for requirement in map(Requirement, wanted):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, f"{requirement} in {lock}: run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (_ROOT / lock).read_text()
    for block in re.split(r"\n(?=\S)", text):
        if _PIN.match(block):
            assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "index-url" not in text


def test_extras_are_pinned_by_name() -> None:
    """An older pip takes `coverage[toml]` that a package asks for past a pin of `coverage` alone, and then misses its hash."""
    text = (_ROOT / "requirements-dev.lock").read_text()
    assert "--no-strip-extras" in (_ROOT / "Makefile").read_text()
    assert re.search(r"^coverage\[toml\]==", text, re.MULTILINE)


def test_the_image_installs_the_versions_that_the_tests_ran_with() -> None:
    tested = _pins("requirements-dev.lock")
    assert {name: tested.get(name) for name in _pins("requirements.lock")} == _pins("requirements.lock")
