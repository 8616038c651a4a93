import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy-machine")


@pytest.fixture(scope="session")
def catalogue():
    from terp.catalogue import read_catalogue

    return read_catalogue()


@pytest.fixture(scope="session")
def gefion(catalogue):
    from terp.describe import read_machine
    from terp.hardware import build_machine

    return build_machine(read_machine("gefion"), catalogue)
