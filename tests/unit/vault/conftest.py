import pytest

from tests.unit.vault.fakes import Setup


@pytest.fixture
def vault() -> Setup:
    return Setup()
