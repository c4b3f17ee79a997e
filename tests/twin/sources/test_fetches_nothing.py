"""Files that name addresses or other files: nothing is fetched, and no other file's content comes in.

Each file was seen to do so with GDAL left as it is; the listener is a real one.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from tests.listener import Listener, listening
from twin import gdal, rasters
from twin.errors import DistrictError, SourceError
from twin.sources import footprints, hazards, ortho, terrain, trees, vectors

SECRET = "TOP-SECRET"
READERS: dict[str, Callable[[Path], object]] = {
    "footprints": lambda path: footprints.read(path, crs="EPSG:4326"),
    "trees": lambda path: trees.read(path, crs="EPSG:4326"),
    "hazards": lambda path: hazards.read(path, case="hq100", crs="EPSG:4326"),
}


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with listening() as listener:
        yield listener


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "secret.csv"
    file.write_text(f'id,WKT,note\n1,"POINT(11.6 50.9)",{SECRET}\n')
    return file


def virtual(source: object) -> str:
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{source}</SrcDataSource>'
        "<GeometryType>wkbPoint</GeometryType></OGRVRTLayer></OGRVRTDataSource>"
    )


def pipeline(source: object) -> str:
    return json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {source}"})


def packed(file: Path, text: str) -> Path:
    """The text in a file, a ZIP (deflated) or a gzip, by the file's name."""
    content = text.encode()
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file.stem, content)
    else:
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def collection(**more: object) -> str:
    feature = {"type": "Feature", "properties": {"height": 9},
               "geometry": {"type": "Point", "coordinates": [11.6, 50.9]}}  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": [feature], **more})


def content(frames: Iterator[tuple[str, gpd.GeoDataFrame]]) -> str:
    return "".join(frame.to_csv() for _, frame in frames)


NAMES = ["a.gpkg", "a.geojson.zip", "a.gpkg.zip", "a.geojson.gz", "a.json"]


@pytest.mark.parametrize("write", [virtual, pipeline])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reader", READERS)
def test_a_list_of_other_places_is_refused(
    tmp_path: Path, listener: Listener, secret: Path, name: str, reader: str, write: Callable[[object], str]
) -> None:
    for source in (f"/vsicurl/{listener.address}/points.csv", secret):
        file = packed(tmp_path / name, write(source))
        with pytest.raises(
            SourceError, match=r"points to other files|neither a table of text nor a vector"
        ) as caught:
            READERS[reader](file)
        assert name in str(caught.value) and caught.value.remedy
        assert SECRET not in str(caught.value)
    assert listener.heard == []


@pytest.mark.parametrize("before", ["", "<!-- " + "x" * 5000 + " -->", " " * 5000, "\ufeff"])
def test_nothing_hides_a_list_of_other_places(
    tmp_path: Path, listener: Listener, secret: Path, before: str
) -> None:
    for source in (f"/vsicurl/{listener.address}/points.csv", secret):
        for inside in (virtual(source), f'<a xmlns:gml="http://www.opengis.net/gml"/>{virtual(source)}'):
            with pytest.raises(SourceError, match="other files"):
                list(vectors.layers(packed(tmp_path / "a.gml.zip", before + inside)))
    assert listener.heard == []


def test_a_name_that_another_driver_takes_leads_to_no_other_driver(tmp_path: Path) -> None:
    """GDAL takes a .csv for a table, whatever is in it."""
    ((_, frame),) = vectors.layers(packed(tmp_path / "a.csv", collection()))
    assert frame.geometry.to_list() == [shapely.Point(11.6, 50.9)]


CRS = {
    "link": '{"type":"link","properties":{"href":"URL","type":"proj4"}}',
    "url": '{"type":"url","properties":{"url":"URL"}}',
    "behind": '{"properties":{"href":"URL"},"type":"Link"}',
    "escaped": '{"typ\\u0065":"l\\u0069nk","properties":{"href":"URL"}}',
}


@pytest.mark.parametrize("key", ['"crs"', '"CRS"', '"c\\u0072s" '])
@pytest.mark.parametrize("kind", CRS)
@pytest.mark.parametrize("name", ["a.geojson", "a.geojson.zip", "a.geojson.gz"])
def test_an_address_in_place_of_a_crs_is_refused(
    tmp_path: Path, listener: Listener, name: str, kind: str, key: str
) -> None:
    crs = CRS[kind].replace("URL", f"{listener.address}/crs")
    file = packed(tmp_path / name, f"{collection()[:-1]},{key}:{crs}}}")
    with pytest.raises(SourceError, match="CRS is an address") as caught:
        list(vectors.layers(file))
    assert name in str(caught.value) and "EPSG:25832" in caught.value.remedy
    assert listener.heard == []


@pytest.mark.parametrize("blanks", [0, 1 << 20, (1 << 20) - 2500, (1 << 20) - 65_536 - 90])
def test_an_address_is_found_at_any_place_of_a_large_file(
    tmp_path: Path, listener: Listener, blanks: int
) -> None:
    crs = f'"crs":{{"type":"link","properties":{{"href":"{listener.address}"}}}}'
    file = packed(tmp_path / "a.geojson", f"{collection()[:-1]},{' ' * blanks}{crs}{' ' * 3000}}}")
    with pytest.raises(SourceError, match="CRS is an address"):
        list(vectors.layers(file))
    assert listener.heard == []


@pytest.mark.parametrize(
    "properties",
    [
        {"crs": "link"},
        {"note": "crs"},
        {"crs": None},
        {"crs": 25832},
        {"note": '"crs":'},
        {"url": "http://a.b"},
    ],
)
def test_what_is_no_address_of_a_crs_is_read(tmp_path: Path, properties: dict[str, object]) -> None:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    data = json.loads(collection(crs=named))
    data["features"][0]["properties"] = properties
    ((_, frame),) = vectors.layers(packed(tmp_path / "a.geojson", json.dumps(data)))
    assert frame.crs.to_epsg() == 25832


GML = """<?xml version="1.0"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs"
 xmlns:gml="http://www.opengis.net/gml" xmlns:a="http://a" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://a
 URL/wfs?SERVICE=WFS&amp;VERSION=1.1.0&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=a:b">
<gml:featureMember><a:b><a:note xlink:href="URL/other.gml#x">n</a:note><a:place>
<gml:Point srsName="URL/srs"><gml:pos>1 2</gml:pos></gml:Point></a:place></a:b></gml:featureMember>
</wfs:FeatureCollection>"""
KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Folder><name>f</name>
<NetworkLink><Link><href>URL/more.kml</href></Link></NetworkLink><Placemark>
<styleUrl>URL/style.kml#s</styleUrl><Point><coordinates>1,2</coordinates></Point></Placemark></Folder></kml>"""


@pytest.mark.parametrize(
    ("name", "text"), [("a.gml", GML), ("a.gml.zip", GML), ("a.kml", KML), ("a.kmz", KML)]
)
def test_schemas_links_and_styles_of_elsewhere_are_left(
    tmp_path: Path, listener: Listener, name: str, text: str
) -> None:
    """Every download from a WFS names its schema: it is read without."""
    text = text.replace("URL", listener.address)
    if name == "a.kmz":
        packed(tmp_path / "doc.kml.zip", text).rename(tmp_path / name)
    else:
        packed(tmp_path / name, text)
    rows = [frame for _, frame in vectors.layers(tmp_path / name) if len(frame)]
    assert [frame.geometry.iloc[0].coords[0][:2] for frame in rows] == [(1, 2)]
    assert listener.heard == []


def test_the_second_line_alone_keeps_the_network_shut(tmp_path: Path, listener: Listener) -> None:
    """Were a file to pass the first: GDAL itself cannot reach the listener, and is as it was thereafter."""
    texts = {
        "a.json": collection(crs={"type": "link", "properties": {"href": f"{listener.address}/crs"}}),
        "a.vrt": virtual(f"/vsicurl/{listener.address}/points.csv"),
        "a.gml": GML.replace("URL", listener.address),
    }
    for name, text in texts.items():
        file = packed(tmp_path / name, text)
        with gdal.vectors(), gdal.vectors():
            try:
                pyogrio.read_dataframe(file)
            except (pyogrio.errors.DataSourceError, pyogrio.errors.CRSError):
                assert name != "a.gml"
        assert listener.heard == []
    assert [pyogrio.get_gdal_config_option(name) for name in gdal.CLOSED] == [None] * len(gdal.CLOSED)
    file.with_suffix(".gfs").unlink(missing_ok=True)
    for name in ("a.json", "a.gml"):
        pyogrio.read_dataframe(tmp_path / name)
    assert len(listener.heard) >= 2  # they do ask where they may


# ------------------------------------------------------------------------------------- files of this machine
@pytest.mark.parametrize("suffix", ["gpkg", "sqlite"])
def test_tables_of_a_database_lead_to_no_other_file(
    tmp_path: Path, listener: Listener, secret: Path, suffix: str
) -> None:
    file = tmp_path / f"a.{suffix}"
    point = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4326)
    point.to_file(file, layer="plain", driver={"gpkg": "GPKG", "sqlite": "SQLite"}[suffix])
    with sqlite3.connect(file) as database:
        database.execute("pragma writable_schema=1")
        for name, source in (("here", secret), ("there", f"/vsicurl/{listener.address}/a.csv")):
            sql = f"CREATE VIRTUAL TABLE {name} USING VirtualOGR('{source}')"
            database.execute("insert into sqlite_master values('table',?,?,0,?)", (name, name, sql))
            if suffix == "gpkg":
                row = (name, name)
                database.execute(
                    "insert into gpkg_contents(table_name,data_type,identifier,srs_id) "
                    "values(?,'attributes',?,4326)", row
                )  # fmt: skip
    assert SECRET not in content(vectors.layers(file))
    assert listener.heard == []


@pytest.mark.parametrize("kind", ["general", "dtd"])
@pytest.mark.parametrize(("name", "text"), [("a.gml", GML), ("a.kml.zip", KML)])
def test_entities_are_refused(
    tmp_path: Path, listener: Listener, secret: Path, name: str, text: str, kind: str
) -> None:
    for source in (secret.as_uri(), f"{listener.address}/entity"):
        head = {"general": f'[<!ENTITY leak SYSTEM "{source}">]', "dtd": f'SYSTEM "{source}"'}[kind]
        text = text.replace("?>", f"?><!DOCTYPE a {head}>", 1).replace("<name>f", "<name>&leak;")
        with pytest.raises(SourceError, match="none of the formats") as caught:
            list(vectors.layers(packed(tmp_path / name, text)))
        assert SECRET not in str(caught.value)
    assert listener.heard == []


def test_a_table_of_mapinfo_joins_no_other(tmp_path: Path, secret: Path) -> None:
    row = gpd.GeoDataFrame({"note": [SECRET]}, geometry=[shapely.Point(11.6, 50.9)], crs=4326)
    row.to_file(secret.with_name("secret.tab"), driver="MapInfo File")
    view = (
        '!table\n!version 300\n\nopen table "elsewhere/secret"\ncreate view a as\nSelect note\nfrom secret\n'
        "where secret.note = secret.note\n"
    )
    with pytest.raises(SourceError, match="other files"):
        list(vectors.layers(packed(tmp_path / "a.tab", view)))
    ((_, frame),) = vectors.layers(secret.with_name("secret.tab"))  # a plain one is read
    assert frame["note"].to_list() == [SECRET]


# --------------------------------------------------------------------------------------------------- bombs
@pytest.mark.parametrize("name", ["a.geojson.zip", "a.geojson.gz", "a.kml.zip", "a.shp.zip"])
def test_what_swells_is_refused_before_it_is_read(tmp_path: Path, name: str) -> None:
    file = packed(tmp_path / name, collection() + " " * (80 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(SourceError, match="bomb") as caught:
        list(vectors.layers(file))
    assert name in str(caught.value) and caught.value.remedy


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for name, text in (("a.gml", GML.replace(">n<", ">&a9;<")), ("a.kml", KML.replace(">f<", ">&a9;<"))):
        with pytest.raises(SourceError, match="none of the formats"):
            list(
                vectors.layers(packed(tmp_path / name, text.replace("?>", f"?><!DOCTYPE a [{entities}]>", 1)))
            )


# ------------------------------------------------------------------------------------------------- rasters
PLACE = {"crs": "EPSG:25832", "transform": rasterio.transform.from_origin(683_000, 5_640_000, 1, 1)}


def grid(file: Path, **tags: str) -> Path:
    profile = PLACE | {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "float32"}
    with rasterio.open(file, "w", **profile) as raster:
        raster.write(np.full((1, 64, 64), 4711, "float32"))
        raster.update_tags(ns="OVERVIEWS", **tags)
    return file


def virtual_raster(source: object) -> str:
    return (
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:25832</SRS>'
        "<GeoTransform>683000, 1, 0, 5640000, 0, -1</GeoTransform>"
        f'<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename>{source}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )


@pytest.mark.parametrize("name", ["a.tif", "a.vrt", "a.asc.zip", "a.tif.gz"])
@pytest.mark.parametrize("read", [terrain.read, ortho.read, lambda path: hazards.read(path, case="hq100")])
def test_a_raster_of_others_is_refused(
    tmp_path: Path, listener: Listener, secret: Path, name: str, read: Callable[[Path], object]
) -> None:
    for source in (f"/vsicurl/{listener.address}/a.tif", grid(secret.with_name("secret.tif"))):
        file = packed(tmp_path / name, virtual_raster(source))
        with pytest.raises(SourceError) as caught:
            read(file)
        assert name in str(caught.value) and caught.value.remedy
    assert listener.heard == []


@pytest.mark.parametrize("where", ["inside", "beside", "in the zip"])
def test_overviews_of_elsewhere_are_refused(
    tmp_path: Path, listener: Listener, secret: Path, where: str
) -> None:
    for source in (f"/vsicurl/{listener.address}/a.tif", grid(secret.with_name("secret.tif"))):
        file = grid(tmp_path / "a.tif", **({"OVERVIEW_FILE": str(source)} if where == "inside" else {}))
        beside = tmp_path / "a.tif.aux.xml"
        told = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{source}</MDI></Metadata>'
        if where != "inside":
            beside.write_text(f"<PAMDataset>{told}</PAMDataset>")
        if where == "in the zip":
            with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                for part in (file, beside):
                    archive.write(part, part.name)
                    part.unlink()
            file = tmp_path / "a.zip"
        listener.heard.clear()  # GDAL asks when it writes such a file, too
        for read in (terrain.read, lambda path: hazards.read(path, case="hq100")):
            with pytest.raises(SourceError, match="another file for its overviews") as caught:
                read(file)
            assert file.name in str(caught.value)
        assert listener.heard == []


def test_a_district_that_was_passed_on_opens_no_other_file(
    tmp_path: Path, listener: Listener, secret: Path
) -> None:
    for source in (f"/vsicurl/{listener.address}/a.tif", grid(secret.with_name("secret.tif"))):
        file = packed(tmp_path / "terrain.tif", virtual_raster(source))
        for read in (rasters.read_terrain, rasters.read_ortho):
            with pytest.raises(DistrictError, match="cannot be read"):
                read(file)
    assert listener.heard == []


def test_rasters_are_shut_off_by_the_second_line_too(tmp_path: Path, listener: Listener) -> None:
    file = packed(tmp_path / "a.vrt", virtual_raster(f"/vsicurl/{listener.address}/a.tif"))
    with gdal.rasters(), rasterio.open(file) as raster, pytest.raises(rasterio.errors.RasterioError):
        raster.read(1)
    assert listener.heard == []
