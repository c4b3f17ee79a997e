"""Who answers for the public pages, by law: `legal.yaml` of the content.

operator:
  name: Stadt Beispiel
  address: Am Markt 1, 07743 Beispielstadt
  represented_by: Oberbürgermeisterin Erika Beispiel
  email: rathaus@beispiel.example
  phone: +49 3641 000000
responsible: Max Beispiel, Pressestelle, Anschrift wie oben
data_protection:
  officer: Datenschutzbeauftragte der Stadt Beispiel, datenschutz@beispiel.example
  authority: {de: "Name, Anschrift und Adresse der Aufsichtsbehörde"}
  server: {de: "Wer den Webserver betreibt und wie lange er Internetadressen speichert"}
accessibility:
  email: barrierefrei@beispiel.example
  enforcement: {de: "Name, Anschrift und Adresse der Durchsetzungsstelle"}

Without the file the pages are a preview and say so; a part of them that only the operator can know is never
made up. Sources of what must be there: DDG § 5 and MStV § 18 (imprint), GDPR art. 13 (data protection),
BITV 2.0 § 7 and Directive (EU) 2016/2102 art. 7 (accessibility statement).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from scenarios import reading
from twin.errors import CallError, SourceError
from viewer import content
from viewer.content import Words

FILE = "legal.yaml"
CHECKED = date(2026, 11, 27)  # when the pages were last held against what their statement says
Line = Annotated[str, Field(min_length=3, max_length=500)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Operator(_Part):
    """Whose site it is."""

    name: Line
    address: Line
    represented_by: Line
    email: Email
    phone: Annotated[str, Field(pattern=r"^[+0-9 ()/-]{3,30}$")]


class DataProtection(_Part):
    """Who answers for personal data, and what the web server keeps."""

    officer: Line
    authority: Words
    server: Words


class Accessibility(_Part):
    """Who takes reports of barriers, and who decides where that did not help."""

    email: Email
    enforcement: Words


class Legal(_Part):
    """What the law asks the operator to say."""

    operator: Operator
    responsible: Line
    data_protection: DataProtection
    accessibility: Accessibility


def read(folder: Path) -> Legal | None:
    """The entries of a folder's `legal.yaml`; None where there is none.

    Raises
    ------
    SourceError : an entry is missing, wrong or unknown; names file, line and remedy.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    entries, lines = reading.read(content.file_text(path), path)
    if not isinstance(entries, dict):
        raise SourceError("is empty", path, "Write operator:, responsible:, data_protection:, accessibility:")
    return content.model(Legal, entries, path, lines)


def required(folder: Path) -> Legal:
    """The entries, for a site that is to go live.

    Raises
    ------
    CallError : there is no such file.
    SourceError : as `read` says.
    """
    found = read(folder)
    if found is None:
        raise CallError(
            "nobody answers for this site", folder / FILE,
            "Write the file (docs/publish.md); without --live or --url it is a preview",
        )  # fmt: skip
    return found


def words(legal: Legal | None, language: str) -> dict[str, Any] | None:
    """The entries for a page in a language; each text with the language it is in, where that is another."""
    if legal is None:
        return None
    return {
        "operator": legal.operator.model_dump(),
        "responsible": legal.responsible,
        "officer": legal.data_protection.officer,
        "authority": content.phrase(legal.data_protection.authority, language),
        "server": content.phrase(legal.data_protection.server, language),
        "email": legal.accessibility.email,
        "enforcement": content.phrase(legal.accessibility.enforcement, language),
    }
