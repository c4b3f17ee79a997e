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


# The two conditions that make a text the BSD licence, where a package gives the text instead of its name.
BSD_CONDITIONS = (
    "Redistributions of source code must retain the above copyright notice, this list of conditions",
    "Redistributions in binary form must reproduce the above copyright notice, this list of conditions",
)


def named(licence: str) -> str:
    """The beginning of the licence field, led by its name if it is the whole text of the BSD licence."""
    text = " ".join(licence.split())
    start = text[:80]
    return f"BSD, by its text: {start}" if all(part in text for part in BSD_CONDITIONS) else start


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
            said = [meta.get("License-Expression") or "", *classifiers, named(meta.get("License") or "")]
            seen[name] = " | ".join(said)
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


def test_a_text_without_the_conditions_is_not_taken_for_bsd() -> None:
    forbidding = "Copyright (c) 2015. All rights reserved. Redistribution is forbidden."
    assert not PERMISSIVE.search(named(forbidding))
    assert not PERMISSIVE.search(named(BSD_CONDITIONS[0]))
    assert PERMISSIVE.search(named("\n* ".join(BSD_CONDITIONS)))
