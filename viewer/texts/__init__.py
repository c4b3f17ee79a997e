"""The viewer's texts: one TOML file a language, listed by being there.

A further language is one more file with the same keys, here or in the folder that LOBEDA_TEXTS names; `check`
names what it lacks. A file with ``language.base`` is a variant for residents: what it leaves out is said as
in that language.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twin.errors import CallError, TwinError

DEFAULT = "de"
CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)*")
VARIANT_ONLY = ("language.base", "language.tag")
_FOLDER = Path(__file__).resolve().parent
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def error(language: str, problem: Exception) -> str:
    """What is wrong, in the language where the error knows it, for people who are not on this machine."""
    if isinstance(problem, TwinError):
        return problem.told(language)
    return (isinstance(problem, OSError) and problem.strerror) or str(problem)


def languages(folder: Path = _FOLDER, *, variants: bool = False) -> dict[str, str]:
    """Language code to its own name, the default first, then by code.

    variants : with those for residents, such as plain language.
    """
    files = {file.stem: file.parent for place in _folders(folder) for file in place.glob("*.toml")}
    codes = sorted(files, key=lambda code: (code != DEFAULT, code))
    own = {code: load(code, folder) for code in codes}
    return {
        code: known["language.name"]
        for code, known in own.items()
        if variants or VARIANT_ONLY[0] not in known
    }


def _folders(folder: Path) -> list[Path]:
    """Where texts lie: ours, and that of further languages."""
    more = os.environ.get("LOBEDA_TEXTS") if folder == _FOLDER else None
    return [Path(more), folder] if more else [folder]


def load(language: str, folder: Path = _FOLDER) -> Mapping[str, str]:
    """All texts of `language`, keyed ``section.name``.

    Raises
    ------
    CallError : there is no file for the language.
    """
    found = [place / f"{language}.toml" for place in _folders(folder)]
    file = next((one for one in found if one.is_file()), None)
    if not CODE.fullmatch(language) or file is None:
        known = ", ".join(sorted(f.stem for place in _folders(folder) for f in place.glob("*.toml")))
        raise CallError(f"there are no texts in language {language!r}", folder, f"Languages are {known}")
    return _loaded(file, file.stat().st_mtime_ns, folder)


@lru_cache(maxsize=64)
def _loaded(file: Path, _changed: int, folder: Path) -> Mapping[str, str]:
    own = _flat(tomllib.loads(file.read_text("utf-8")))
    rest = load(own[VARIANT_ONLY[0]], folder) if VARIANT_ONLY[0] in own else {}
    return MappingProxyType({**rest, **own})


def base(language: str) -> str:
    """The language that a variant varies; the language itself for others."""
    return load(language).get(VARIANT_ONLY[0], language)


def tag(language: str) -> str:
    """The language as HTML names it (BCP 47)."""
    return load(language).get(VARIANT_ONLY[1], language)


def text(language: str, key: str, **values: object) -> str:
    """The text `key`, its ``{name}`` placeholders replaced by `values`."""
    return load(language)[key].format(**values)


def label(language: str, section: str, value: str) -> str:
    """The text of a code, such as ``label("de", "function", "school")``; else the code itself."""
    return load(language).get(f"{section}.{value}", value)


def preferred(accepted: str) -> str:
    """The first language of an Accept-Language header that has texts, else the default."""
    known = languages()
    wanted = [part.split(";")[0].strip().lower().split("-")[0] for part in accepted.split(",")]
    return next((code for code in wanted if code in known), DEFAULT)


def check(folder: Path = _FOLDER) -> list[str]:
    """What languages lack or have too much beside the default, or other placeholders; empty: all is well."""
    reference = load(DEFAULT, folder)
    found = []
    for code in languages(folder, variants=True):
        texts = {key: value for key, value in load(code, folder).items() if key not in VARIANT_ONLY}
        found += [f"{code}: {key} is missing" for key in reference.keys() - texts.keys()]
        found += [f"{code}: {key} is not known" for key in texts.keys() - reference.keys()]
        found += [
            f"{code}: {key} has other placeholders than {DEFAULT}"
            for key in reference.keys() & texts.keys()
            if set(_PLACEHOLDER.findall(texts[key])) != set(_PLACEHOLDER.findall(reference[key]))
        ]
    return sorted(found)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
