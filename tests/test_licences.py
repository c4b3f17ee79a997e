"""Run-time dependencies carry permissive licences; the shipped program may be used by any town."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|0BSD|Unlicense|Zlib|MIT-CMU|CNRI|"
    r"Historical Permission Notice|PSFL|BSL-1.0|Boost|Public Domain|CC0)\b",
    re.IGNORECASE,
)
WEAK_COPYLEFT = {
    "certifi": "MPL-2.0: a list of certificates, used unchanged",
    "tqdm": "MPL-2.0 and MIT: used unchanged",
    "fqdn": "MPL-2.0: used unchanged",
}
FORBIDDEN = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)\b", re.IGNORECASE)


def run_time_dependencies(root: str = "lobeda") -> dict[str, str]:
    """Every distribution that `root` needs to run, with what it says of its licence."""
    seen: dict[str, str] = {}
    queue = [(root, frozenset[str]())]
    while queue:
        name, extras = queue.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # another platform's or Python version's
        meta = found.metadata
        if name != root:
            if name in seen and not extras:
                continue
            classifiers = [
                c.rsplit("::", 1)[-1] for c in meta.get_all("Classifier", []) if c.startswith("License")
            ]
            seen[name] = " | ".join(
                [meta.get("License-Expression") or "", *classifiers, (meta.get("License") or "")[:80]]
            )
        for line in found.requires or []:
            requirement = Requirement(line)
            wanted = [{"extra": extra} for extra in extras or {""}]
            if requirement.marker is None or any(
                requirement.marker.evaluate(environment) for environment in wanted
            ):
                key = re.sub(r"[-_.]+", "-", requirement.name).lower()
                if key not in seen or requirement.extras:
                    queue.append((key, frozenset(requirement.extras)))
    return seen


def test_run_time_dependencies_are_permissive() -> None:
    dependencies = run_time_dependencies()
    assert {"numpy", "shapely", "lxml", "panel", "fastapi"} <= set(dependencies)
    bad = {
        name: licence
        for name, licence in dependencies.items()
        if name not in WEAK_COPYLEFT and (FORBIDDEN.search(licence) or not PERMISSIVE.search(licence))
    }
    assert not bad
