import hypothesis
import pytest

# a case may take long on a machine that does other things too; what a case may cost is not what these tests are about
hypothesis.settings.register_profile(
    "terp", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("terp")


@pytest.fixture(scope="session")
def catalogue():
    from terp.catalogue import read_catalogue

    return read_catalogue()


@pytest.fixture(scope="session")
def gefion(catalogue):
    from terp.describe import read_machine
    from terp.hardware import build_machine

    return build_machine(read_machine("gefion"), catalogue)
