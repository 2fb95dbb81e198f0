"""An image of another kind beside the ordinary one, in a folder of build/, and the Python tests on it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent


def compiler() -> list[str]:
    """The command that the image is compiled with."""
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()


def build(name: str, environment: dict[str, str], python: Path | str = sys.executable) -> Path:
    """Builds with these variables, for setup.py or the compiler. Gives the folder, for `run_tests`."""
    base = ROOT / "build" / f"{name}-{Path(python).resolve().name}"
    command = [python, "setup.py", "--quiet", "build", "--build-base", base, "--build-lib", base / "lib"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)
    return base


def run_tests(
    base: Path, environment: dict[str, str], arguments: list[str], python: Path | str = sys.executable
) -> int:
    """Gives pytest's status. Without a test among its arguments all Python tests run."""
    # The tests run elsewhere, because here the ordinary image would be found first; that is also what -P is for.
    given = [str(ROOT / argument) if (ROOT / argument.split("::")[0]).exists() else argument for argument in arguments]
    if not any(argument.startswith(str(ROOT)) for argument in given):
        given.append(str(ROOT / "tests/python"))
    path = f"{base / 'lib'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    command = [python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *given]
    inherited = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=base, env=inherited | environment, check=False).returncode
