"""Licences as provenance names them, with their addresses for links and for the catalogue (DCAT-AP.de)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from twin.sources.base import Provenance

_DCAT = "http://dcat-ap.de/def/licenses/"


@dataclass(frozen=True)
class Licence:
    """A licence.

    text : as people know it.  uri : its text.  dcat : its entry in DCAT-AP.de's list, or empty.
    by : whether somebody is to be named.  alike : whether what is made of it stays under it.
    """

    text: str
    uri: str
    dcat: str = ""
    by: bool = False
    alike: bool = False


# Names, addresses and codes: https://www.dcat-ap.de/def/licenses/ (version 20240812).
_KNOWN: tuple[tuple[str, Licence], ...] = (
    (r"apache.?(license)?.?2", Licence("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0",
                                       f"{_DCAT}apache", by=True)),
    (r"dl.?de.*(by|namensnennung)", Licence(
        "Datenlizenz Deutschland – Namensnennung 2.0", "https://www.govdata.de/dl-de/by-2-0",
        f"{_DCAT}dl-by-de/2.0", by=True,
    )),
    (r"dl.?de.*zero", Licence("Datenlizenz Deutschland – Zero 2.0", "https://www.govdata.de/dl-de/zero-2-0",
                              f"{_DCAT}dl-zero-de/2.0")),
    (r"odbl", Licence("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/",
                      f"{_DCAT}odbl", by=True, alike=True)),
    (r"cc0|cc.?zero", Licence("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/",
                              f"{_DCAT}cc-zero")),
    (r"cc.?by.?sa.?4", Licence("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/",
                               f"{_DCAT}cc-by-sa/4.0", by=True, alike=True)),
    (r"cc.?by.?4", Licence("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", f"{_DCAT}cc-by/4.0",
                           by=True)),
)  # fmt: skip


def of(text: str) -> Licence:
    """The licence that a provenance record names; one without addresses where it is unknown."""
    folded = text.casefold()
    return next((known for pattern, known in _KNOWN if re.search(pattern, folded)), Licence(text, ""))


def of_all(records: Iterable[Provenance]) -> list[Licence]:
    """The licences of several records, each once."""
    return list(dict.fromkeys(of(record.licence) for record in records))


def attribution(records: Iterable[Provenance]) -> str:
    """Whom the records want named, in one line."""
    named = (record.attribution or record.source for record in records)
    return " · ".join(dict.fromkeys(one for one in named if one))


def link_header(records: Iterable[Provenance]) -> str:
    """Value of the header Link: the licences with who is to be named (RFC 8288; titles by RFC 8187)."""
    known = list(records)
    title = quote(attribution(known), safe="")
    links = [f"<{one.uri}>; rel=\"license\"; title*=UTF-8''{title}" for one in of_all(known) if one.uri]
    return ", ".join(links)
