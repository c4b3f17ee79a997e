"""Installs the OpenID provider that the tests log in at: ``python -m tests.openid.install``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from viewer.scene.build_hook import node

HERE = Path(__file__).parent
PROVIDER = HERE / "node_modules" / "oidc-provider"


def install() -> bool:
    """Whether it is there now."""
    program, environment = node("npm")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([*program, "ci", *options], cwd=HERE, env=environment, check=False)
    return done.returncode == 0 and PROVIDER.is_dir()


if __name__ == "__main__":
    if not install():
        sys.stderr.write("The OpenID provider is not installed: the tests that need it will be skipped\n")
