"""Results as a labelled Dataset, and on disk as NetCDF in chunks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twin.errors import CallError
from twin.sources.base import no_progress

if TYPE_CHECKING:
    from energy.case import Case

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Variable:
    """Unit and meaning of a result."""

    units: str
    long_name: str
    label_de: str
    carrier: bool = False


VARIABLES = {
    "heating_need_kwh": Variable("kWh", "Energy need for space heating", "Heizwärmebedarf"),
    "cooling_need_kwh": Variable("kWh", "Energy need for space cooling", "Kühlbedarf"),
    "hot_water_need_kwh": Variable("kWh", "Energy need for domestic hot water", "Trinkwarmwasserbedarf"),
    "electricity_use_kwh": Variable("kWh", "Electricity use of appliances and lighting", "Nutzerstrom"),
    "heating_delivered_kwh": Variable(
        "kWh", "Energy delivered for space heating and hot water", "Endenergie für Heizung und Warmwasser"
    ),
    "auxiliary_electricity_kwh": Variable(
        "kWh", "Electricity of pumps for heating and hot water", "Hilfsstrom der Pumpen"
    ),
    "delivered_kwh": Variable("kWh", "Delivered energy by carrier", "Endenergie je Energieträger", True),
    "pv_generation_kwh": Variable("kWh", "Electricity from photovoltaics", "Solarstrom"),
    "grid_import_kwh": Variable("kWh", "Electricity from the grid", "Netzbezug"),
    "grid_export_kwh": Variable("kWh", "Electricity to the grid", "Netzeinspeisung"),
    "primary_energy_kwh": Variable("kWh", "Primary energy, non-renewable", "Primärenergie, nicht erneuerbar"),
    "co2_kg": Variable("kg", "CO2 equivalent of the delivered energy", "CO2-Äquivalente der Endenergie"),
    "energy_cost_eur": Variable("EUR", "Cost of the delivered energy at its unit price", "Energiekosten"),
    "feed_in_revenue_eur": Variable(
        "EUR", "Revenue of the electricity to the grid, not taken off the energy cost", "Einspeisevergütung"
    ),
    "air_temperature_c": Variable("degC", "Air temperature, mean of the interval", "Lufttemperatur"),
    "operative_temperature_c": Variable(
        "degC", "Operative temperature, mean of the interval", "Operative Temperatur"
    ),
    "supply_temperature_c": Variable(
        "degC", "Flow temperature at the heat generator, mean of the interval", "Vorlauftemperatur"
    ),
}
STATES = ("air_temperature_c", "operative_temperature_c")
ANNUAL = (
    "heating_need_kwh",
    "cooling_need_kwh",
    "hot_water_need_kwh",
    "electricity_use_kwh",
    "heating_delivered_kwh",
    "grid_import_kwh",
    "grid_export_kwh",
    "primary_energy_kwh",
    "co2_kg",
    "energy_cost_eur",
)
_CHUNK_BUILDINGS = 64
_CHUNK_CACHE_BYTES = 4 << 20


def checked(outputs: Sequence[str] | None) -> tuple[str, ...]:
    """The wanted variables, all without `outputs`."""
    if outputs is None:
        return tuple(VARIABLES)
    if unknown := [name for name in outputs if name not in VARIABLES]:
        raise CallError(f"there is no output {unknown[0]!r}", "simulate", f"Use {', '.join(VARIABLES)}")
    return tuple(dict.fromkeys(outputs))


def dataset(
    case: Case, ids: pd.Index, starts: npt.NDArray[np.datetime64], arrays: Mapping[str, Array], method: str
) -> xr.Dataset:
    """Label `arrays` (shape (building, time), `delivered_kwh` with the carrier first)."""
    coords: dict[str, Any] = {
        "building_id": ("building_id", ids.to_numpy("object"), {"long_name": "Building"}),
        "time": ("time", starts, {"long_name": "Start of the interval, UTC"}),
    }
    if any(VARIABLES[name].carrier for name in arrays):
        carriers = case.parameters.carriers.index.to_numpy("object")
        coords["carrier"] = ("carrier", carriers, {"long_name": "Energy carrier"})
    data = {}
    for name, values in arrays.items():
        spec = VARIABLES[name]
        dims = ("carrier", "building_id", "time") if spec.carrier else ("building_id", "time")
        data[name] = (dims, values, {"units": spec.units, "long_name": spec.long_name})
    return xr.Dataset(data, coords, attributes(case, method))


def attributes(case: Case, method: str) -> dict[str, str]:
    """What every result says of itself."""
    return {
        "title": f"Simulated energy of {case.district.name}",
        "district": case.district.name,
        "weather": f"{case.weather.name} ({case.weather.source})",
        "software": f"lobeda {software_version()}",
        "input_digest": case.digest,
        "method": method,
        "time_zone": "UTC, intervals named by their start",
        "note": "modelled values, not measured"
        + ("; the district is a model from documented facts and estimates" if case.district.is_model else ""),
    }


def software_version() -> str:
    """Version of the installed software."""
    try:
        return metadata.version("lobeda")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "0 (not installed)"


def write(results: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write results as compressed NetCDF, chunked by buildings; beside first, then renamed."""
    target = Path(path)
    with written_beside(target) as beside:
        results.to_netcdf(beside, engine="netcdf4", encoding=_encoding(results))
    return target


def _encoding(results: xr.Dataset) -> dict[str, dict[str, Any]]:
    encoding: dict[str, dict[str, Any]] = {}
    for name, values in results.data_vars.items():
        sizes = tuple(
            max(1, min(_CHUNK_BUILDINGS, size)) if dim == "building_id" else size if dim == "time" else 1
            for dim, size in zip(values.dims, values.shape, strict=True)
        )
        encoding[str(name)] = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": sizes}
    encoding["time"] = {"units": "hours since 1970-01-01", "dtype": "int64"}
    return encoding


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """A path in the target's folder that becomes the target once all went well."""
    if not target.parent.is_dir():
        raise CallError("there is no such folder", target.parent, "Make it first")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o644)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def simulate_to_file(
    case: Case,
    path: str | os.PathLike[str],
    *,
    outputs: Sequence[str] | None = None,
    method: str = "rc5",
    progress: Callable[[str, float], None] | None = None,
    buildings_at_once: int = 2 * _CHUNK_BUILDINGS,
) -> Path:
    """Simulate all hours of all buildings straight into a NetCDF file, in bounded memory.

    Raises
    ------
    CallError : as `energy.simulate`, or the folder of `path` does not exist.
    """
    import netCDF4

    from energy.simulate import simulate

    report = progress or no_progress
    target, ids = Path(path), case.envelope.index
    first = simulate(case, outputs=outputs, buildings=ids[:1], method=method)
    with written_beside(target) as beside:
        _frame(case, first, ids).to_netcdf(beside, engine="netcdf4")
        with netCDF4.Dataset(beside, "a") as file:
            _define(file, first, len(ids))
            for start in range(0, len(ids), buildings_at_once):
                report("simulate", start / len(ids))
                some = ids[start : start + buildings_at_once]
                part = simulate(case, outputs=outputs, buildings=some, method=method)
                for name, values in part.data_vars.items():
                    rows = slice(start, start + part.sizes["building_id"])
                    where = (slice(None), rows) if "carrier" in values.dims else (rows,)
                    file.variables[str(name)][where] = values.to_numpy()
    report("simulate", 1.0)
    return target


def _frame(case: Case, first: xr.Dataset, ids: pd.Index) -> xr.Dataset:
    """Coordinates and attributes of the whole file, without variables."""
    coords = {name: values for name, values in first.coords.items() if name != "building_id"}
    frame = xr.Dataset(coords=coords, attrs=first.attrs)
    frame = frame.assign_coords(
        building_id=("building_id", ids.to_numpy("object"), {"long_name": "Building"})
    )
    frame["time"].encoding = {"units": "hours since 1970-01-01", "dtype": "int64"}
    return frame


def _define(file: Any, first: xr.Dataset, buildings: int) -> None:
    for name, values in first.data_vars.items():
        lanes = max(1, min(_CHUNK_BUILDINGS, buildings))
        sizes = {"building_id": lanes, "carrier": 1, "time": first.sizes["time"]}
        variable = file.createVariable(
            str(name),
            "f4",
            values.dims,
            zlib=True,
            complevel=1,
            shuffle=True,
            chunksizes=[sizes[str(dim)] for dim in values.dims],
            fill_value=np.float32(np.nan),
        )
        variable.set_var_chunk_cache(size=_CHUNK_CACHE_BYTES)  # whole chunks are written once, none is kept
        variable.setncatts(values.attrs)
