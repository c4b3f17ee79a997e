"""`lobeda calibrate`: fit metered buildings to what their meters measured, and say how well it went.

Libraries are loaded by the command, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.errors import CallError
from viewer.cli_common import Language, progress_bar, year_of
from viewer.format import number
from viewer.texts import text

if TYPE_CHECKING:
    import pandas as pd

    from energy import Case
    from energy.weather import Weather
    from scenarios.baseline import Agreement, Calibration, Readings
    from scenarios.baseline.calibration import Unit


class MeterKind(StrEnum):
    """Kinds of meters of the store."""

    heat = "heat"
    electricity = "electricity"


_OPEN = 0.5  # a figure of which the readings tell less is called open
METERS_HELP = (
    "List of readings (CSV or XLSX), one row each: Zähler, Gebäude (or Block, or Straße and Hausnummer), "
    "von, bis, kWh; also Energieträger and Warmwasser (ja or nein). Bills over any periods, months, days or "
    "hours."
)

EXAMPLE = "Example: lobeda calibrate lobeda --meters bills.csv --weather dwd-folder --out calibration.toml"


def calibrate(
    district: Annotated[
        str, typer.Argument(metavar="DISTRICT", help="A district folder, or `lobeda` for the sample.")
    ],
    meters: Annotated[Path | None, typer.Option(help=METERS_HELP)] = None,
    from_store: Annotated[
        bool,
        typer.Option("--from-store", help="Take the meters of the sensors' store (lobeda sensors import)."),
    ] = False,
    kind: Annotated[
        MeterKind, typer.Option(help="With --from-store: meters of heat, or of the electricity that heats.")
    ] = MeterKind.heat,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --from-store: the first day.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --from-store: the day after the last.")
    ] = None,
    weather: Annotated[
        Path | None,
        typer.Option(
            help="Measured weather over the readings' periods (DWD station file or folder, Open-Meteo); "
            "without it a typical year stands in, with wider intervals."
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Weather of the year to which heat is normalised; without it the sample year."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the calibration (TOML), for lobeda simulate --calibration."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also the table by unit as CSV.")] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="Folder with your own figures: CSV files named as assets/parameters.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    language: Annotated[Language, typer.Option("--lang", help="Language of the text.")] = Language.en,
) -> None:
    """Measured against simulated: fit the figures of metered buildings to bills or meters.

    Air change, set-point, U-values, gains and hot water are fitted within physical bounds, each with its 90 %
    interval; what the readings do not tell apart stays wide.
    """
    import energy
    import twin
    from energy.parameters import Parameters
    from scenarios import baseline
    from viewer.cli_scenario import write_csv

    if out is not None and not out.resolve().parent.is_dir():
        raise CallError(
            "there is no such folder", out.resolve().parent, "Make it, or name another file for --out"
        )
    if (meters is None) != from_store:
        raise CallError("one source of readings is needed", "--meters, --from-store", "Give one of the two")
    if not from_store and (since, until, kind) != (None, None, MeterKind.heat):
        raise CallError("these narrow down the store", "--since, --until, --kind", "Give --from-store too")
    chosen = twin.open(district)
    figures = Parameters.from_folder(parameters) if parameters else Parameters.default()
    case = energy.Case(chosen, year_of(reference, chosen), figures)
    readings = _of_store(case, kind, since, until) if meters is None else baseline.read(meters, chosen)
    measured = None if weather is None else _measured(weather, readings.values)
    with progress_bar() as progress:
        case.look(progress)
        found = baseline.calibrate(
            case, readings, date=date.today().isoformat(), weather=measured, progress=progress
        )
    if out is not None:
        found.save(out)
    if csv is not None:
        write_csv(table(found), csv)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(lines(found, language.value)))


def _of_store(case: Case, kind: MeterKind, since: datetime | None, until: datetime | None) -> Readings:
    """What the store's meters measured from the local day `since` until before that of `until`."""
    import pandas as pd

    from energy.calendar_days import LOCAL_TIME
    from scenarios import baseline
    from sensors.store import Store

    first, last = (None if day is None else pd.Timestamp(day, tz=LOCAL_TIME) for day in (since, until))
    with Store.open() as store:
        return baseline.read_store(store, case, kind=kind.value, since=first, until=last)


def _measured(path: Path, values: pd.DataFrame) -> Weather:
    """The weather about the readings, three weeks before them for the buildings' mass to settle.

    A station's file may reach back for decades.
    """
    import pandas as pd

    import energy

    first, last = values["start"].min() - pd.Timedelta(days=21), values["end"].max() + pd.Timedelta(hours=2)
    return energy.weather.read(path, between=(first, last))


def table(found: Calibration) -> pd.DataFrame:
    """One row a unit: readings, errors before and after, factors with their intervals; index meter."""
    import pandas as pd

    rows = []
    for unit in found.units:
        row: dict[str, Any] = {
            "meter": unit.meter,
            "buildings": " ".join(unit.buildings),
            "step": unit.step,
            "readings": unit.readings,
            "used": unit.used,
            "measured_kwh": unit.measured_kwh,
            "reason": unit.reason,
        }
        for side in ("before", "after"):
            for agreement in getattr(unit, side)[:1]:
                row |= {f"cv_rmse_{side}": agreement.cv_rmse, f"nmbe_{side}": agreement.nmbe}
                row[f"within_limits_{side}"] = agreement.within
        for name, estimate in unit.estimates.items():
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            row[f"{name}_told"] = estimate.told
        if unit.heat_after is not None:
            heat = unit.heat_after
            row |= {"heat_kwh_a": heat.value, "heat_low_kwh_a": heat.low, "heat_high_kwh_a": heat.high}
        row |= {"normalised_kwh_a": unit.normalised_kwh_a, "at_bounds": " ".join(unit.at_bounds)}
        rows.append(row)
    return pd.DataFrame(rows).set_index("meter")


def lines(found: Calibration, language: str) -> list[str]:
    """The calibration as text."""
    write = _Words(language)
    out = [write("title", district=found.district, count=len(found.units), weather=found.weather)]
    if found.typical_weather:
        out.append(write("typical"))
    for unit in found.units:
        out += ["", *_unit_lines(unit, write)]
    if found.findings:
        out += ["", write("findings"), *(f"  {f.record}: {f.message}" for f in found.findings)]
    return [*out, "", write("interval"), write("limits"), write("discrepancy")]


@dataclass(frozen=True)
class _Words:
    """The texts of the calibration in a language, with its way to write numbers."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        return text(self.language, f"calibration.{key}", **values)

    def number(self, value: float, digits: int = 0) -> str:
        return number(value, self.language, digits)

    def share(self, value: float) -> str:
        return "–" if math.isnan(value) else f"{self.number(100 * value, 1)} %"

    def errors(self, agreement: Agreement) -> str:
        return f"CV(RMSE) {self.share(agreement.cv_rmse)}, NMBE {self.share(agreement.nmbe)}"

    def verdict(self, agreement: Agreement) -> str:
        return "" if agreement.within is None else self("within" if agreement.within else "beyond")


def _unit_lines(unit: Unit, write: _Words) -> list[str]:
    where = ", ".join(unit.buildings[:3]) + (" …" if len(unit.buildings) > 3 else "")
    head = write(
        "unit",
        meter=unit.meter,
        buildings=where,
        used=unit.used,
        readings=unit.readings,
        step=write(unit.step),
    )
    if not unit.fitted:
        return [head, "  " + write("not_fitted", reason=unit.reason)]
    out = [head]
    for before, after in zip(unit.before, unit.after, strict=True):
        errors = f"{write.errors(before)} → {write.errors(after)}"
        out.append(f"  {write(after.step):12s} {errors}  {write.verdict(after)}".rstrip())
    for name, estimate in unit.estimates.items():
        note = write("at_bound") if estimate.at_bound else write("open") if estimate.told < _OPEN else ""
        value, low, high = (write.number(v, 2) for v in (estimate.value, estimate.low, estimate.high))
        told = f"{write('told')} {100 * estimate.told:.0f} %"
        out.append(f"  {write(name):26s} {value:>6s}  ({low} … {high})  {told}  {note}".rstrip())
    if unit.heat_after is not None and unit.heat_before is not None:
        heat = unit.heat_after
        figures = {"value": heat.value, "low": heat.low, "high": heat.high, "before": unit.heat_before.value}
        out.append("  " + write("heat", **{name: write.number(v / 1000) for name, v in figures.items()}))
    if math.isfinite(unit.normalised_kwh_a):
        out.append("  " + write("normalised", value=write.number(unit.normalised_kwh_a / 1000)))
    return out + [f"  {write('outlier')} {outlier}" for outlier in unit.outliers]
