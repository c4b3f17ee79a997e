"""`lobeda import` and `lobeda fetch`: files and open data → a district folder.

Libraries are loaded by the commands that use them, so that `--help` answers at once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.errors import CallError
from viewer.cli_common import progress_bar

if TYPE_CHECKING:
    from twin import District

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the district to write.")]
Facts = Annotated[Path | None, typer.Option(help="The owner's list of facts (XLSX or CSV).")]
FactsMap = Annotated[
    Path | None, typer.Option("--map", help="Which column of the list is what (TOML, YAML, JSON).")
]
YearGrid = Annotated[
    Path | None, typer.Option(help="Grid of building years (CSV), used where no year is known.")
]


def import_district(
    out: Out,
    buildings: Annotated[
        list[Path] | None, typer.Option(help="CityGML, CityJSON, footprints, OSM: files, zips, folders.")
    ] = None,
    terrain: Annotated[list[Path] | None, typer.Option(help="GeoTIFF or XYZ tiles.")] = None,
    ortho: Annotated[
        list[Path] | None, typer.Option(help="Orthophoto: GeoTIFF, or JPEG with world file.")
    ] = None,
    trees: Annotated[list[Path] | None, typer.Option(help="Trees: CSV, GPKG, KML.")] = None,
    hazard: Annotated[
        list[str] | None,
        typer.Option(help="Flood areas or noise map, as case=FILE: hq10, hq100, hq_extreme, lden, lnight."),
    ] = None,
    facts: Facts = None,
    facts_map: FactsMap = None,
    tree_map: Annotated[
        list[str] | None, typer.Option(help="Column of the trees' CSV, as ours=theirs.")
    ] = None,
    year_grid: YearGrid = None,
    crs: Annotated[str | None, typer.Option(help="CRS of files that name none, such as EPSG:25832.")] = None,
    default_height: Annotated[
        float | None, typer.Option(help="Height of footprints without one. [m]", min=1, max=300)
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="District to add to: a folder, or `lobeda` for the sample.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the district; without it the folder's.")] = None,
) -> None:
    """Build a district from files of any supported format, told by content.

    Example: lobeda import out --buildings tile.zip --terrain dgm1.zip --trees trees.csv
    """
    import twin
    from twin import importer
    from viewer.accounts import recording

    if crs is not None and not re.fullmatch(r"(?i)epsg:\d{4,6}", crs):
        raise CallError(f"--crs is {crs!r}", remedy="Write it as EPSG:25832")
    base = twin.open(into) if into else None
    with progress_bar() as progress:
        district = importer.build(
            name or (base.name if base else out.resolve().name),
            buildings=buildings or [],
            terrain=terrain or [],
            ortho=ortho or [],
            trees=trees or [],
            hazards=_cases(hazard or []),
            facts=facts,
            facts_map=facts_map,
            tree_map=_pairs(tree_map or []),
            year_grid=year_grid,
            crs=crs.upper() if crs else None,
            default_height_m=default_height,
            base=base,
            progress=progress,
        )
        progress("writing", float("nan"))
        recording.note("import", out)
        district.save(out)
    _say(out, district)


def fetch_district(
    out: Out,
    bbox: Annotated[str | None, typer.Option(help="West,south,east,north in degrees (WGS84).")] = None,
    lobeda: Annotated[bool, typer.Option("--lobeda", help="The area of Jena-Lobeda.")] = False,
    base_url: Annotated[str | None, typer.Option(help="Another server with the same paths.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for the downloads; without it beside OUT.")
    ] = None,
) -> None:
    """Download official open data of Thuringia and OpenStreetMap for an area, and build the district.

    Example: lobeda fetch real-lobeda --lobeda
    """
    from twin import fetch
    from viewer.accounts import recording

    if lobeda == (bbox is not None):
        raise CallError("name the area", remedy="Pass either --lobeda or --bbox W,S,E,N")
    area = fetch.LOBEDA_BBOX if lobeda else _box(bbox or "")
    downloads = cache or out.resolve().parent / f"{out.resolve().name}-downloads"
    with progress_bar() as progress:
        report = fetch.fetch(downloads, area, base_url=base_url, progress=progress)
        for line in report.lines():
            typer.echo(line, err=True)
        district = fetch.build(out.resolve().name, report, progress=progress)
        recording.note("fetch", out)
        district.save(out)
    _say(out, district)


def _say(out: Path, district: District) -> None:
    sizes = [f"{len(district.tables()[table])} {table}" for table in ("buildings", "surfaces", "trees")]
    typer.echo(f"{out}: {', '.join(sizes)}")
    kinds = [finding.kind for finding in district.findings]
    if kinds:
        counts = ", ".join(f"{kinds.count(kind)} {kind.replace('_', ' ')}" for kind in dict.fromkeys(kinds))
        typer.echo(f"  findings: {counts} (see `lobeda info {out}`)")


def _pairs(options: list[str]) -> dict[str, str]:
    pairs = dict(option.split("=", 1) for option in options if "=" in option)
    if len(pairs) < len(options):
        raise CallError("--tree-map is not ours=theirs", remedy="Such as --tree-map height_m=Baumhoehe")
    return pairs


def _cases(options: list[str]) -> list[tuple[str, Path]]:
    """Case and file of each --hazard."""
    pairs = []
    for option in options:
        case, separator, file = option.partition("=")
        if not separator or not file:
            raise CallError(f"--hazard is {option!r}", remedy="Write case=FILE, such as hq100=flood.gpkg")
        pairs.append((case.strip().lower(), Path(file)))
    return pairs


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise CallError(
            f"--bbox is {text!r}", remedy="Write W,S,E,N in degrees, such as 11.596,50.8755,11.640,50.8985"
        ) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise CallError(
            f"--bbox {text} is no box", remedy="West must be less than east, south less than north"
        )
    return west, south, east, north
