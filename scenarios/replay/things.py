"""The feed's Things as SensorThings describes them, each labelled as simulated."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.replay.selection import MAIN_ROAD, Metered, Selected, Selection
from sensors.things import COUNT, Kind, ObservedProperty, StreamSpec, ThingSpec, Unit
from sensors.water_balance import ReferenceArea

SOURCE = "replay"
LABEL = "simulierte Messreihe / simulated feed"
SENSOR = f"Modell mit Rauschen ({LABEL})"
_QUANTITY = "http://qudt.org/vocab/quantitykind/"
_CELSIUS, _PERCENT, _KILOWATT = Unit("degree Celsius", "Cel"), Unit("percent", "%"), Unit("kilowatt", "kW")


def _stream(
    key: str, prop: str, kind: str, unit: Unit, name: str, every_s: float, **properties: Any
) -> StreamSpec:
    return StreamSpec(
        key=key,
        name=f"{name} ({LABEL})",
        property=ObservedProperty(prop, _QUANTITY + kind),
        unit=unit,
        sensor=SENSOR,
        observation_type=COUNT if unit.ucum == "{spaces}" else StreamSpec.observation_type,
        description="Aus dem Modell gerechnet, nicht gemessen. Computed from the model, not measured.",
        properties={"simulated": True, "live_s": every_s, **properties},
    )


def _thing(
    key: str,
    name: str,
    english: str,
    kind: Kind,
    place: tuple[float, float],
    streams: tuple[StreamSpec, ...],
    **more: Any,
) -> ThingSpec:
    properties = {
        "label_de": "simulierte Messreihe",
        "label_en": "simulated feed",
        "name_de": name,
        "name_en": english,
        **more.pop("properties", {}),
    }
    return ThingSpec(
        source=SOURCE,
        key=key,
        name=f"{name} ({LABEL})",
        kind=kind,
        description="Simulierte Messreihe: aus dem Modell gerechnet, nicht gemessen. "
        "Simulated feed: computed from the model, not measured.",
        location={"type": "Point", "coordinates": list(place)},
        public=more.pop("public", False),
        simulated=True,
        properties=properties,
        streams=tuple(StreamSpec(**{**vars(stream), "key": f"{key}/{stream.key}"}) for stream in streams),
        **more,
    )


def things(selection: Selection) -> list[ThingSpec]:
    """All Things of the feed; a stream's key is `thing/quantity`."""
    found = [_meter(meter) for meter in selection.meters]
    found += [_roof(roof) for roof in selection.roofs]
    found += [_room(room) for room in selection.rooms]
    found += [_soil(area) for area in selection.areas]
    found.append(_weather(selection.centre))
    if selection.road is not None:
        found += _road(selection.road)
    return found


def _meter(meter: Metered) -> ThingSpec:
    # Heat of five and more dwellings; still, what a block uses is its owner's business: not public.
    return _thing(
        f"heat-{meter.block_id}", f"Wärmezähler {meter.name}", f"Heat meter {meter.name}", "heat_meter",
        (meter.longitude, meter.latitude),
        (
            _stream("heat", "heat consumption", "Energy", Unit("kilowatt hour", "kW.h"),
                    "Wärme der Stunde", 3600, interval="hour"),
            _stream("power", "heat power", "Power", _KILOWATT, "Wärmeleistung", 20),
        ),
        building_id=meter.station,
        properties={"block_id": meter.block_id, "building_ids": list(meter.buildings), "hot_water": True},
    )  # fmt: skip


def _roof(roof: Selected) -> ThingSpec:
    return _thing(
        f"pv-{roof.building_id}", f"Solarstromzähler {roof.name}", f"PV meter {roof.name}", "pv_meter",
        (roof.longitude, roof.latitude),
        (_stream("power", "pv power", "Power", _KILOWATT, "Solarleistung", 20),),
        building_id=roof.building_id,  # a meter of a single building: not public
        properties={"note": "angenommene Anlage, im Bestand ist keine bekannt"},
    )  # fmt: skip


def _room(room: Selected) -> ThingSpec:
    return _thing(
        f"room-{room.building_id}", f"Raumklima {room.name}", f"Indoor climate {room.name}", "indoor_climate",
        (room.longitude, room.latitude),
        (
            _stream("temperature", "indoor temperature", "Temperature", _CELSIUS, "Raumtemperatur", 30),
            _stream("humidity", "relative humidity", "RelativeHumidity", _PERCENT, "Raumluftfeuchte", 60),
            _stream("co2", "carbon dioxide", "MoleFraction", Unit("parts per million", "[ppm]"), "CO2", 60),
        ),
        building_id=room.building_id, public=True,
    )  # fmt: skip


def _soil(area: ReferenceArea) -> ThingSpec:
    streams = tuple(
        _stream(f"potential-{depth:g}", "matric potential", "Pressure", Unit("kilopascal", "kPa"),
                f"Matrixpotenzial in {depth:g} cm", 60, depth_cm=depth)
        for depth in area.depths_cm
    )  # fmt: skip
    return _thing(
        f"soil-{area.key}", f"Bodenfeuchte {area.name}", f"Soil moisture {area.name}",
        "soil_moisture", (area.longitude, area.latitude),
        (*streams, _stream("battery", "battery voltage", "Voltage", Unit("volt", "V"),
                           "Batteriespannung", 300)),
        tree_id=area.trees[0] if area.trees else None, street=area.street, public=True,
        properties={"reference_area": area.key, "trees": list(area.trees), "texture": area.texture,
                    "crown_diameter_m": None if np.isnan(area.crown_diameter_m) else area.crown_diameter_m,
                    "sealed_share": area.sealed_share,
                    "estimates": list(area.estimates)},
    )  # fmt: skip


def _weather(place: tuple[float, float]) -> ThingSpec:
    return _thing(
        "weather", "Wetterstation Lobeda", "Weather station Lobeda", "weather", place,
        (
            _stream("temp_air", "air temperature", "Temperature", _CELSIUS, "Lufttemperatur", 20),
            _stream("humidity", "relative humidity", "RelativeHumidity", _PERCENT, "Luftfeuchte", 30),
            _stream("wind", "wind speed", "Speed", Unit("metre per second", "m/s"), "Wind", 10),
            _stream("ghi", "global radiation", "Irradiance", Unit("watt per square metre", "W/m2"),
                    "Globalstrahlung", 20),
            _stream("rain", "precipitation", "Length", Unit("millimetre", "mm"), "Niederschlag", 3600,
                    interval="hour"),
        ),
        public=True,
    )  # fmt: skip


def _road(place: tuple[float, float]) -> list[ThingSpec]:
    """Counts at the main road, and car parks beside it."""
    per_hour, spaces = Unit("vehicles per hour", "{vehicles}/h"), Unit("parking spaces", "{spaces}")
    counts = _thing(
        "traffic", f"Verkehrszählung {MAIN_ROAD}", f"Traffic count {MAIN_ROAD}", "traffic", place,
        (
            _stream("inbound", "vehicles per hour", "Dimensionless", per_hour, "stadteinwärts", 15),
            _stream("outbound", "vehicles per hour", "Dimensionless", per_hour, "stadtauswärts", 15),
        ),
        street=MAIN_ROAD, public=True,
    )  # fmt: skip
    parks = [
        _thing(
            f"parking-{key}", f"Parkplatz {name}", f"Car park {name}", "parking",
            (place[0] + shift, place[1] + shift / 3),
            (_stream("free", "free parking spaces", "Count", spaces, "freie Plätze", 20),),
            street=MAIN_ROAD, public=True,
        )
        for key, name, shift in (("a", "Galerie Lobeda West", -0.0015), ("b", "Lobeda-West, P+R", 0.0012))
    ]  # fmt: skip
    return [counts, *parks]
