"""A scenario: a name and ordered measures, from YAML or Python, by one schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import pandas as pd
import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from energy import Case
from scenarios import reading, rules, units
from scenarios.measures import MEASURES, base, prices
from twin.district import District
from twin.errors import CallError, Place, SourceError, quoted

VERSION = 1


class Range(BaseModel):
    """Values from `min` to `max`, both included; an open end where one is absent."""

    model_config = ConfigDict(extra="forbid")
    min: float | None = None
    max: float | None = None


class Targets(BaseModel):
    """Which buildings: all that fulfil every condition given.

    where : column of the table buildings → a value, a list of values, or a range.
    """

    model_config = ConfigDict(extra="forbid")
    buildings: list[str] | None = None
    blocks: list[str] | None = None
    where: dict[str, str | float | bool | list[str | float] | Range] = Field(default_factory=dict)
    area: dict[str, Any] | None = Field(default=None, description="GeoJSON polygon, EPSG:25832")

    @property
    def given(self) -> bool:
        """Whether it says anything: without, a step reaches all that its measure may apply to."""
        return self != Targets()

    def ids(self, case: Case) -> pd.Index:
        """The ids of the buildings meant.

        Raises
        ------
        CallError : a column, building or block that does not exist.
        """
        return self.within(case.district)

    def within(self, district: District) -> pd.Index:
        """As `ids`, of a district."""
        table = district.buildings
        keep = pd.Series(True, index=table.index)
        if self.buildings is not None:
            _must_exist(self.buildings, table.index, "building")
            keep &= table.index.isin(self.buildings)
        if self.blocks is not None:
            _must_exist(self.blocks, district.blocks.index, "block")
            keep &= table["block_id"].isin(self.blocks)
        for column, wanted in self.where.items():
            if column not in table.columns:
                remedy, german = _near(column, table.columns.drop("geometry"))
                raise CallError(
                    f"there is no column {column!r}", "targets", remedy,
                    german=f"Die Spalte {quoted(column)} gibt es nicht. {german}.",
                )  # fmt: skip
            keep &= _fulfils(column, table[column], wanted)
        if self.area is not None:
            inside = shapely.intersects(_polygon(self.area), table.geometry.representative_point().to_numpy())
            keep &= inside
        chosen: pd.Index = table.index[keep.to_numpy(bool)]
        return chosen


class Step(BaseModel):
    """One measure with its targets and parameters.

    measure : a name of `MEASURES`, or ``module:function`` of one's own (Case → Case).
    year : when it is done, on a pathway; without it, at the beginning.
    """

    model_config = ConfigDict(extra="forbid")
    measure: str
    targets: Targets = Field(default_factory=Targets)
    parameters: dict[str, Any] = Field(default_factory=dict)
    year: Annotated[int, Field(ge=2021, le=2045)] | None = None

    @property
    def is_code(self) -> bool:
        """Whether the measure is a function of somebody's own."""
        return ":" in self.measure

    def apply(self, case: Case) -> Case:
        """The case after this measure.

        Raises
        ------
        CallError : an unknown measure or parameter, a value out of range or in another unit, or a target that
            does not exist.
        """
        options: dict[str, Any] = dict(self.parameters)
        if self.is_code:
            function = _function(self.measure)
        else:
            function = self._known().apply
            options = units.in_units(self.measure, self._known().PARAMETERS, options)
        if self.targets.given:
            options["buildings"] = self.targets.ids(case)
        try:
            after: Case = function(case, **options)
        except TypeError as error:  # a parameter that the measure does not have
            raise CallError(
                str(error),
                f"measure {self.measure}",
                "See the measure's parameters: lobeda scenario measures",
                german=f"Einen Parameter der Maßnahme {quoted(self.measure)} gibt es nicht. Welche es gibt, "
                "sagt `lobeda scenario measures`.",
            ) from None
        return after

    def _known(self) -> ModuleType:
        if self.measure not in MEASURES:
            raise no_measure(self.measure, "scenario")
        return MEASURES[self.measure]


Text = dict[Literal["de", "en"], str]


class Scenario(BaseModel):
    """Ordered measures on a case; `measures` may hold any callable Case → Case beside steps."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]
    title: Text = Field(default_factory=dict)
    description: Text = Field(default_factory=dict)
    measures: list[Step | Callable[[Case], Case]] = Field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        """The measures by name; callables of one's own are left to their owner."""
        return [m for m in self.measures if isinstance(m, Step) and not m.is_code]

    def apply(self, case: Case, year: int | None = None) -> Case:
        """The case after all measures, in order; on a pathway, after those until `year`, evaluated in it.

        Raises
        ------
        CallError : steps that contradict each other (`scenarios.rules`), or as `Step.apply` says.
        """
        states = self.trail(case, year)
        after = states[-1][1] if states else case
        return after if year is None else prices.apply(after, year=year)

    def trail(self, case: Case, year: int | None = None) -> list[tuple[Step | Callable[[Case], Case], Case]]:
        """Each measure (until `year`, on a pathway) with the case after it."""
        rules.check(self, case)
        states: list[tuple[Step | Callable[[Case], Case], Case]] = []
        for measure in self.measures:
            if not isinstance(measure, Step):
                case = measure(case)
            elif year is None or measure.year is None or measure.year <= year:
                case = measure.apply(case)
            else:
                continue
            states.append((measure, case))
        return states

    @property
    def years(self) -> list[int]:
        """Years in which a step is dated."""
        return sorted({m.year for m in self.measures if isinstance(m, Step) and m.year is not None})


BASELINE = Scenario(name="baseline", title={"de": "Bestand", "en": "As is"})


def load(place: str | Path, *, allow_code: bool = False, district: District | None = None) -> Scenario:
    """Read a scenario from a YAML file; ``library/…`` names a shipped one.

    allow_code : let it run functions of its own (``measure: module:function``), if one trusts the file.
    district : where its targets must exist; without it, they are looked for when it is applied.

    Raises
    ------
    SourceError : no such file, not YAML, or not a scenario; the message names file, line and remedy.

    Examples
    --------
    >>> [step.measure for step in scenarios.load("library/retrofit-wbs70.yaml").measures]
    ['envelope_retrofit']
    """
    path = Path(place)
    return parsed(_text(path), path, allow_code=allow_code, district=district)


def parsed(text: str, path: Path, *, allow_code: bool = False, district: District | None = None) -> Scenario:
    """As `load`, of a file's text; messages call the file `path`."""
    content, lines = reading.read(text, path)
    if not isinstance(content, dict):
        raise SourceError(
            "holds no scenario", Place(str(path)), "Write at least `name:` and `measures:`",
            german="Die Datei enthält kein Szenario. Schreiben Sie mindestens `name:` und `measures:`.",
        )  # fmt: skip
    return checked(content, path, lines, allow_code=allow_code, district=district)


def checked(
    content: dict[str, Any],
    path: Path,
    lines: reading.Lines | None = None,
    *,
    allow_code: bool = False,
    district: District | None = None,
) -> Scenario:
    """As `parsed`, of what a file holds.

    lines : of the file's entries, for the messages.
    """
    lines = lines or {}
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        raise _located(error, lines, path) from None
    for number, step in enumerate(scenario.measures):
        where = Place(str(path), reading.line_of(("measures", number, "measure"), lines))
        if isinstance(step, Step):
            _check_step(step, allow_code, where)
            if district is not None:
                line = reading.line_of(("measures", number, "targets"), lines)
                _check_targets(step, district, Place(str(path), line))
    return scenario


def no_measure(measure: str, where: object) -> CallError:
    """The error of a measure that there is not."""
    every = ", ".join(MEASURES)
    return CallError(
        f"there is no measure {measure!r}", where, f"Use {every}",
        german=f"Die Maßnahme {quoted(measure)} gibt es nicht. Möglich sind {every}.",
    )  # fmt: skip


def _check_targets(step: Step, district: District, where: Place) -> None:
    try:
        found = step.targets.within(district)
    except CallError as error:
        raise error.at(where) from None
    if step.targets.given and not len(found):
        remedy, german = _alone(step.targets, district)
        raise SourceError(
            "no building fulfils these targets", where, remedy,
            german=f"Kein Gebäude erfüllt diese Bedingungen. {german}.",
        )  # fmt: skip


def _alone(targets: Targets, district: District) -> tuple[str, str]:
    """What to do about targets that no building fulfils: what the column holds of which nothing is wanted.

    In English and in German, as `_near`.
    """
    for column, wanted in targets.where.items():
        values = district.buildings[column].dropna()
        if _fulfils(column, values, wanted).any():
            continue
        if values.empty:
            return f"{column} is empty", f"Die Spalte {quoted(column)} ist leer"
        if isinstance(wanted, Range):
            low, high = values.min(), values.max()
            return (
                f"{column} runs from {low:g} to {high:g}",
                f"{quoted(column)} reicht von {base.german(low)} bis {base.german(high)}",
            )
        first = wanted[0] if isinstance(wanted, list) and wanted else wanted
        english, german = _near(str(first), pd.Index(values.unique()).astype(str).sort_values())
        return f"{english} for {column}", f"{german} (Spalte {quoted(column)})"
    return (
        "Each condition is fulfilled by some building, but none by all: widen one",
        "Jede Bedingung wird von manchen Gebäuden erfüllt, keines erfüllt alle: Fassen Sie eine weiter",
    )


def _check_step(step: Step, allow_code: bool, where: Place) -> None:
    """Refuse what needs no district to be seen: other people's code, unknown measures, parameters, values."""
    if step.is_code:
        if not allow_code:
            raise SourceError(
                f"{step.measure} would run code of this file's choice",
                where,
                "Add --allow-code if you trust it",
                german=f"{quoted(step.measure)} würde Code ausführen, den die Datei bestimmt. Wenn Sie ihr "
                "vertrauen, rechnen Sie das Szenario auf der Kommandozeile mit `--allow-code`.",
            )
        return
    if step.measure not in MEASURES:
        raise no_measure(step.measure, "scenario").at(where)
    try:
        units.in_units(step.measure, MEASURES[step.measure].PARAMETERS, step.parameters)
    except CallError as error:
        raise error.at(where) from None


def _text(path: Path) -> str:
    shipped = files("scenarios") / str(path)
    if not path.is_file() and str(path).startswith("library/") and shipped.is_file():
        return shipped.read_text("utf-8")
    if path.is_file():
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(error, path) from None
    shipped_ones = ", ".join(library())
    raise SourceError(
        "there is no such scenario", Place(str(path)), f"Shipped are {shipped_ones}",
        german=f"Dieses Szenario gibt es nicht. Mitgeliefert sind {shipped_ones}.",
    )  # fmt: skip


def unreadable(error: OSError | UnicodeDecodeError, path: Path) -> SourceError:
    """The error of a file that is no text."""
    at_byte = f" (Byte {error.start + 1})" if isinstance(error, UnicodeDecodeError) else ""
    said = error.strerror if isinstance(error, OSError) else error
    return SourceError(
        f"cannot be read: {said}", Place(str(path)), "Save it as UTF-8 text",
        german=f"Die Datei ist nicht lesbar{at_byte}. Speichern Sie sie als Text in UTF-8.",
    )  # fmt: skip


def library() -> list[str]:
    """Names of the shipped scenarios, as `load` takes them.

    Examples
    --------
    >>> "library/path-2045.yaml" in scenarios.library()
    True
    """
    return sorted(f"library/{file.name}" for file in (files("scenarios") / "library").iterdir())


def _located(error: ValidationError, lines: reading.Lines, path: Path) -> SourceError:
    """The first fault that a reader can mend, with its line."""
    # Of a step that is no callable either, only what is wrong with the step helps.
    found = [e for e in error.errors() if "callable" not in str(e["type"])] or error.errors()
    first = found[0]
    place = tuple(part for part in first["loc"] if part not in ("Step", "Range"))
    line = reading.line_of(place, lines)
    where = ".".join(str(part) for part in place)
    what, remedy = f"{first['msg']} at {where}", "Correct this entry"
    fault = _FAULTS.get(first["type"], "ist so nicht gültig").format(**first.get("ctx", {}))
    german = f"Der Eintrag {quoted(where)} {fault.replace(' or ', ' oder ')}. Korrigieren Sie ihn."
    if first["type"] == "extra_forbidden":
        owner = next((_KEYS[part] for part in reversed(place[:-1]) if part in _KEYS), Scenario)
        known = ", ".join(owner.model_fields)
        what = f"there is no key {str(place[-1])!r} at {where}"
        remedy = f"Remove it, or use one of {known}"
        german = (
            f"Den Schlüssel {quoted(where)} gibt es nicht. Entfernen Sie ihn, oder wählen Sie aus: {known}."
        )
    return SourceError(what, Place(str(path), line), remedy, german=german)


_NUMBER, _WHOLE = "muss eine Zahl sein", "muss eine ganze Zahl sein"
_FAULTS: Mapping[str, str] = {
    "missing": "fehlt",
    "string_type": "muss ein Text sein",
    "invalid_key": "muss ein Text sein",
    "string_too_long": "darf höchstens {max_length} Zeichen haben",
    # The one pattern of the schema is that of names.
    "string_pattern_mismatch": "darf nur a bis z, Ziffern und Bindestriche enthalten und nicht mit einem "
    "Bindestrich beginnen",
    "literal_error": "muss {expected} sein",
    "list_type": "muss eine Liste sein",
    "dict_type": "muss aus Schlüsseln mit Werten bestehen",
    "model_type": "muss aus Schlüsseln mit Werten bestehen",
    "bool_type": "muss true oder false sein",
    "bool_parsing": "muss true oder false sein",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "ist eine zu große Zahl",
    "finite_number": "muss eine endliche Zahl sein",
    "greater_than_equal": "muss mindestens {ge} sein",
    "less_than_equal": "darf höchstens {le} sein",
}
"""What pydantic finds, by its types, as the end of a German sentence about the entry."""

_KEYS: dict[str | int, type[BaseModel]] = {"measures": Step, "targets": Targets, "where": Range}


def _function(measure: str) -> Callable[..., Case]:
    """A function of somebody's own by ``module:function``."""
    module, _, name = measure.partition(":")
    try:
        function: Callable[..., Case] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise CallError(
            f"{measure} cannot be found: {error}", "scenario", "Name a function as module:function",
            german=f"{quoted(measure)} ist nicht zu finden. Nennen Sie eine Funktion als module:function.",
        ) from None  # fmt: skip
    return function


def _must_exist(wanted: list[str], known: pd.Index, kind: str) -> None:
    if lost := [name for name in wanted if name not in known]:
        some = f" ({len(lost)} of {len(wanted)} are unknown)" if len(wanted) > 1 else ""
        remedy, german = _near(lost[0], known)
        what = {"building": "Das Gebäude", "block": "Den Wohnblock"}[kind]
        of = f" ({len(lost)} von {len(wanted)} sind unbekannt)" if len(wanted) > 1 else ""
        raise CallError(
            f"there is no {kind} {lost[0]!r}{some}", "targets", remedy,
            german=f"{what} {quoted(lost[0])} gibt es nicht{of}. {german}.",
        )  # fmt: skip


def _near(word: str, known: pd.Index) -> tuple[str, str]:
    """What to do about a name that is none: those of like spelling, else some of all; English and German."""
    names = [str(name) for name in known]
    if near := ", ".join(get_close_matches(word, names, 3, 0.6)):
        return f"Did you mean {near}", f"Ähnlich heißen {near}"
    some = ", ".join(names[:5])
    return f"Use one of {some}, …", f"Es gibt zum Beispiel {some}"


def _fulfils(name: str, column: pd.Series, wanted: Any) -> pd.Series:
    if isinstance(wanted, Range):
        if not pd.api.types.is_numeric_dtype(column):
            raise CallError(
                f"{name} holds no numbers, but a range is wanted", "targets", "Give values or a list",
                german=f"{quoted(name)} enthält keine Zahlen, gefragt ist aber ein Bereich. Nennen Sie Werte "
                "oder eine Liste.",
            )  # fmt: skip
        low = column >= wanted.min if wanted.min is not None else column.notna()
        return low & (column <= wanted.max) if wanted.max is not None else low
    values = wanted if isinstance(wanted, list) else [wanted]
    return column.isin(values)


def _polygon(area: dict[str, Any]) -> shapely.Geometry:
    try:
        polygon = shapely.geometry.shape(area)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise CallError(
            f"area is no GeoJSON polygon: {error}", "targets", "Use type and coordinates",
            german="„area“ ist kein Polygon in GeoJSON. Geben Sie `type` und `coordinates` an.",
        ) from None  # fmt: skip
    if polygon.geom_type not in ("Polygon", "MultiPolygon"):
        raise CallError(
            f"area is a {polygon.geom_type}", "targets", "Draw a polygon",
            german=f"„area“ ist ein {polygon.geom_type}. Zeichnen Sie ein Polygon.",
        )  # fmt: skip
    return polygon
