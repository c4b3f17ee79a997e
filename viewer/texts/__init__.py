"""The viewer's texts: one TOML file a language, listed by being there.

A further language is one more file with the same keys; `check` names what it lacks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twin.errors import CallError

DEFAULT = "de"
_FOLDER = Path(__file__).resolve().parent
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def languages(folder: Path = _FOLDER) -> dict[str, str]:
    """Language code to its own name, the default first, then by code."""
    codes = sorted((file.stem for file in folder.glob("*.toml")), key=lambda code: (code != DEFAULT, code))
    return {code: load(code, folder)["language.name"] for code in codes}


@cache
def load(language: str, folder: Path = _FOLDER) -> Mapping[str, str]:
    """All texts of `language`, keyed ``section.name``.

    Raises
    ------
    CallError : there is no file for the language.
    """
    file = folder / f"{language}.toml"
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]+)*", language) or not file.is_file():
        known = ", ".join(sorted(f.stem for f in folder.glob("*.toml")))
        raise CallError(f"there are no texts in language {language!r}", folder, f"Languages are {known}")
    return MappingProxyType(_flat(tomllib.loads(file.read_text("utf-8"))))


def text(language: str, key: str, **values: object) -> str:
    """The text `key`, its ``{name}`` placeholders replaced by `values`."""
    return load(language)[key].format(**values)


def label(language: str, section: str, value: str) -> str:
    """The text of a code, such as ``label("de", "function", "school")``; else the code itself."""
    return load(language).get(f"{section}.{value}", value)


def check(folder: Path = _FOLDER) -> list[str]:
    """What languages lack or have too much beside the default, or other placeholders; empty: all is well."""
    reference = load(DEFAULT, folder)
    found = []
    for code in languages(folder):
        texts = load(code, folder)
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
