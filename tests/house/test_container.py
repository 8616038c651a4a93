"""The container file builds, and what it builds answers; where there is an engine that can pull its base."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_container_file_names_what_the_project_needs():
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert "FROM python:3.12-slim" in text
    assert 'ENTRYPOINT ["terp"]' in text
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv", "runs"} <= set(ignored)


@pytest.mark.slow
def test_the_container_builds_and_answers():
    engine = next((name for name in ("podman", "docker") if shutil.which(name)), None)
    if engine is None or subprocess.run([engine, "info"], capture_output=True).returncode:
        pytest.skip("neither podman nor docker answers here")
    build = [engine, "build", "-q", "-f", "Containerfile", "-t", "terp-test", "."]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    if built.returncode and "python:3.12-slim" in built.stderr:
        pytest.skip(f"the base image cannot be had here: {built.stderr.splitlines()[-1][:200]}")
    assert built.returncode == 0, built.stderr
    asked = subprocess.run([engine, "run", "--rm", "terp-test", "show", "gefion"], capture_output=True, text=True)
    assert "1,528" in asked.stdout, asked.stderr
