"""Who sees and changes what: public things alone without a token, metered buildings never."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from sensors import decoders, tokens
from sensors.store import Store, retention, tables
from sensors.store.purge import purge
from sensors.things import (
    CATEGORY,
    MEASUREMENT,
    Kind,
    NewObservation,
    ObservedProperty,
    StreamSpec,
    ThingSpec,
    Unit,
)
from sensors.times import now_us, to_us
from tests.sensors.sensorthings.entities import named
from tests.sensors.sensorthings.servers import names, sensorthings, served
from twin.errors import CallError
from viewer.access import Keeper
from viewer.api.sensorthings.model import ENTITIES
from viewer.api.sensorthings.routes import PREFIX, Settings, mount
from viewer.cli import app
from viewer.privacy import METERED_WORDS, PUBLIC_KINDS, PUBLIC_UNITS
from viewer.server import add_guard

DAY_US = 86_400_000_000
PLACE = {"type": "Point", "coordinates": [11.6, 50.9]}


def thing(name: str, public: bool, kind: str, unit: str = "1") -> ThingSpec:
    stream = StreamSpec(
        "value", f"{name} value", ObservedProperty(f"{name} quantity", "http://x"), Unit("one", unit),
        f"{name} sensor",
    )  # fmt: skip
    place = {"type": "Point", "coordinates": [11.6, 50.9 + len(name) / 100]}
    return ThingSpec(
        "test", name, name, kind, location=place, building_id="b", public=public, streams=(stream,)  # type: ignore[arg-type]
    )  # fmt: skip


SEEN, HIDDEN, METERED = "weather", "private room", "meter of house 5"
ROOF, POWER = "roof of house 5", "flat 7 of house 5"
NAMELESS, MISSPELT, ROOM = "kitchen of house 5", "gas of house 5", "bedroom of house 5"
SECRETS = (HIDDEN, METERED, ROOF, POWER, NAMELESS, MISSPELT, ROOM)


@pytest.fixture(scope="module")
def filled(shared_store: Store) -> Store:
    for spec in (
        thing(SEEN, True, "weather"),
        thing(HIDDEN, False, "indoor_climate"),
        thing(METERED, True, "heat_meter"),
        thing(ROOF, True, "pv_meter"),
        thing(POWER, True, "electricity_meter"),
        thing(NAMELESS, True, ""),
        thing(MISSPELT, True, "gas_meter"),
        thing(ROOM, True, "indoor_climate"),
    ):
        (stream,) = shared_store.ensure(spec).values()
        shared_store.append([NewObservation(stream, now_us(), float(len(spec.name)))])
    return shared_store


@pytest.fixture(scope="module")
def guarded(filled: Store) -> Iterator[httpx.Client]:
    with sensorthings(filled, Settings()) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_a_token_only_public_things_show(guarded: httpx.Client) -> None:
    assert names(guarded, "/Things") == [SEEN]
    assert names(guarded, "/Datastreams") == [f"{SEEN} value"]
    assert names(guarded, "/ObservedProperties") == [f"{SEEN} quantity"]
    assert names(guarded, "/Locations") == [SEEN]
    (observation,) = guarded.get("/Observations").json()["value"]
    assert observation["result"] == len(SEEN)
    place = guarded.get(f"/Observations({observation['@iot.id']})/FeatureOfInterest")
    assert place.json()["name"] == SEEN  # made of the thing's place, since the feed names none
    shown = guarded.get("/Observations?$expand=FeatureOfInterest,Datastream/Thing").json()["value"][0]
    assert shown["FeatureOfInterest"]["name"] == shown["Datastream"]["Thing"]["name"] == SEEN
    assert names(guarded, "/FeaturesOfInterest") == [SEEN]


def test_what_is_hidden_is_hidden_on_every_way(guarded: httpx.Client, filled: Store) -> None:
    with filled.connect() as connection:
        for name, entity in ENTITIES.items():
            for identifier in connection.execute(entity.table.select()).scalars().all():
                ways = [f"/{name}({identifier})"]
                ways += [f"{ways[0]}/{way}" for way in entity.relations]
                ways += [f"{ways[0]}?$expand={way}" for way in entity.relations]
                for way in ways:
                    answer = guarded.get(way)
                    assert answer.status_code in (200, 404), way
                    assert not any(secret in answer.text for secret in SECRETS), way
    for name, entity in ENTITIES.items():
        for way in ("$count=true", *(f"$expand={way}" for way in entity.relations)):
            text = guarded.get(f"/{name}?{way}").text
            assert not any(secret in text for secret in SECRETS), (name, way)
    # A filter may not ask about it either.
    for filter_ in (f"Things/name eq '{METERED}'", f"Things/any(t:t/name eq '{HIDDEN}')"):
        assert names(guarded, "/Locations", filter=filter_) == []
    assert names(guarded, "/Sensors", filter=f"Datastreams/Thing/name eq '{METERED}'") == []
    assert guarded.get(f"/Observations/$count?$filter=result eq {len(METERED)}").text == "0"


def test_every_kind_is_public_or_a_households() -> None:
    """A new one has to be put to one of them; what is put to none is a household's."""
    private = {"", "heat_meter", "electricity_meter", "pv_meter", "indoor_climate"}
    assert set(get_args(Kind)) == {*PUBLIC_KINDS, *private} and not private & set(PUBLIC_KINDS)


METERED_STREAMS = (  # name, property, its definition, unit's name, symbol
    *(("v", "q", "x:q", "x", unit) for unit in (
        "kWh", "kW.h", "W", "m3/h", "GJ", "kwh", "KWH", " kWh", "kW·h", "kWh/d", "MWh/a", "W.s", "kJ/h",
        "m^3", "cbm", "[ft_i]3", "imp",
    )),
    *(("v", "q", "x:q", unit, "") for unit in ("kilowatt hour", "Kilowattstunde", "kWh", "cubic metre")),
    ("v", "q", "x:q", "kilowatt hour", "1"),
    ("v", "gas consumption", "x:q", "one", "1"),
    ("v", "says no unit", "x:q", "", ""),
    ("Stromverbrauch", "q", "x:q", "one", "1"),
    ("v", "Wärmemenge", "x:q", "one", "1"),
    ("v", "ZÄHLERSTAND", "x:q", "one", "1"),
    ("Gaszähler", "q", "x:q", "degree Celsius", "Cel"),
    ("Verbr. Haus 3", "q", "x:q", "degree Celsius", "Cel"),
    ("Wohnzimmer", "air temperature", "x:q", "degree Celsius", "Cel"),
    ("v", "q", "http://qudt.org/vocab/quantitykind/Energy", "one", "1"),
)  # fmt: skip


@pytest.mark.parametrize("told", METERED_STREAMS)
def test_what_meters_count_shows_of_no_thing(tmp_path: Path, told: tuple[str, str, str, str, str]) -> None:
    """Whatever the thing is called: a station on a roof may send what the house uses, too, and a mirror gives
    all things of another service one kind."""
    name, quantity, definition, unit, symbol = told
    spec = StreamSpec("v", name, ObservedProperty(quantity, definition), Unit(unit, symbol))
    station = replace(thing("station", True, "weather"), streams=(spec,))
    with Store.open(f"sqlite:///{tmp_path}/s.sqlite") as store, sensorthings(store, Settings()) as client:
        (stream,) = store.ensure(station).values()
        store.append([NewObservation(stream, now_us(), 4711.5)])
        assert names(client, "/Things") == ["station"]
        for way in ("/Datastreams", "/Observations", "/ObservedProperties", "/Sensors"):
            assert client.get(way).json()["value"] == [], way
            assert client.get(f"{way}({stream})").status_code == 404, way
        for way in ("$expand=Datastreams/Observations", "$filter=Datastreams/Observations/result gt 1"):
            assert "4711" not in client.get(f"/Things?{way}").text
        assert names(client, "/Things", filter="Datastreams/Observations/result gt 1") == []


def test_what_public_kinds_measure_shows(tmp_path: Path) -> None:
    """All that the simulated feed measures in public, and other services' spellings."""
    said = [("1", "carbon dioxide", "[ppm]"), ("2", "air temperature", "°C"), ("3", "NO2", "µg/m³"),
            ("4", "matric potential", "kPa"), ("5", "global radiation", "W/m2"), ("6", "free", "{spaces}"),
            ("7", "vehicles per hour", "{vehicles}/h"), ("8", "electrical conductivity", "dS/m"),
            ("9", "state", "1"), ("10", "device position", "")]  # fmt: skip
    streams = tuple(
        StreamSpec(
            key,
            key,
            ObservedProperty(name, f"http://x/{key}"),
            Unit("", unit),
            observation_type=MEASUREMENT if unit else CATEGORY,
        )
        for key, name, unit in said
    )
    station = replace(thing("station", True, "weather"), streams=streams)
    with Store.open(f"sqlite:///{tmp_path}/s.sqlite") as store, sensorthings(store, Settings()) as client:
        store.ensure(station)
        assert names(client, "/Datastreams") == [key for key, _, _ in said]


def test_all_that_devices_of_public_kinds_measure_may_show() -> None:
    """Else their readings would be missing for residents without a word."""
    parts = [
        part
        for decoder in decoders.load().values()
        if decoder.kind in PUBLIC_KINDS
        for part in (*decoder.fields, *decoders.NETWORK.values())
    ]
    assert len(parts) > 20
    for stream in (part.stream(None) for part in parts):
        is_category = stream.observation_type == CATEGORY and not stream.unit.ucum
        assert is_category or stream.unit.ucum.lower() in PUBLIC_UNITS, stream
        said = " ".join((stream.name, stream.property.name, stream.property.definition, stream.unit.name))
        assert not [word for word in METERED_WORDS if word in said.lower()], stream


def test_what_is_left_of_a_private_thing_stays_hidden(tmp_path: Path) -> None:
    """Its observations gone by retention, then the thing: place, feature, sensor and property may remain."""
    with Store.open(f"sqlite:///{tmp_path}/s.sqlite") as store, sensorthings(store, Settings()) as client:
        (stream,) = store.ensure(thing(ROOM, True, "indoor_climate")).values()
        at = now_us() - 400 * DAY_US
        store.append([NewObservation(stream, at, 21.0)])
        ways = ("/Things", "/Locations", "/FeaturesOfInterest", "/Sensors", "/ObservedProperties",
                "/HistoricalLocations", "/Datastreams", "/Observations")  # fmt: skip

        def nothing() -> bool:
            return all(client.get(way).json()["value"] == [] for way in ways)

        assert nothing()
        retention.set_rule(store, None, 30, kind="indoor_climate")
        retention.apply(store)
        assert nothing()
        with store.connect() as connection:
            (number,) = connection.execute(tables.things.select()).scalars().all()
        purge(store, number)
        assert nothing()


def test_tokens_open_what_their_scope_says(guarded: httpx.Client, filled: Store) -> None:
    read = tokens.create(filled, "reader", [tokens.SENSORTHINGS_READ])
    write = tokens.create(filled, "writer", [tokens.SENSORTHINGS_WRITE], days=1)
    everything = {SEEN, *SECRETS}
    for token in (read, write):
        answer = guarded.get("/Things", headers=bearer(token))
        assert {entity["name"] for entity in answer.json()["value"]} == everything
    basic = base64.b64encode(f"any:{write}".encode()).decode()
    body = named("new", properties={"public": True, "kind": "parking", "building_id": "b7"})
    for headers, status in (
        ({}, 401), (bearer("x" * 43), 401), (bearer(read), 401), ({"Authorization": "Basic ?"}, 401),
        ({"Authorization": f"Basic {basic}"}, 201), (bearer(write), 201),
    ):  # fmt: skip
        assert guarded.post("/Things", json=body, headers=headers).status_code == status
    assert names(guarded, "/Things", filter="properties/building_id eq 'b7'") == ["new", "new"]
    private = guarded.post("/Things", json=named("unsaid"), headers=bearer(write)).headers["location"]
    assert guarded.get(private).status_code == 404
    assert guarded.get(private, headers=bearer(read)).status_code == 200
    tokens.revoke(filled, "writer")
    assert guarded.post("/Things", json=body, headers=bearer(write)).status_code == 401
    with pytest.raises(CallError):
        tokens.revoke(filled, "writer")
    with pytest.raises(CallError):
        tokens.create(filled, "reader", [tokens.SENSORTHINGS_READ])


def test_a_token_ends_and_never_lasts_for_ever(
    guarded: httpx.Client, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tokens.create(filled, "yearly", [tokens.SENSORTHINGS_WRITE])
    made = next(one for one in tokens.listed(filled) if one.name == "yearly")
    assert made.ends_at is not None and (made.ends_at - made.created_at).days == tokens.DAYS == 365
    for days in (0, tokens.DAYS_MAX + 1, 36_500):
        with pytest.raises(CallError, match=f"{days} days is no life"):
            tokens.create(filled, "other", [tokens.SENSORTHINGS_WRITE], days)
    assert guarded.post("/Things", json=named("x"), headers=bearer(token)).status_code == 201
    last = to_us(made.ends_at)
    for now, status in ((last - 1, 201), (last, 401)):
        monkeypatch.setattr(tokens, "now_us", lambda now=now: now)
        assert guarded.post("/Things", json=named("x"), headers=bearer(token)).status_code == status


def test_pages_of_other_sites_cannot_write_where_all_is_open(filled: Store) -> None:
    with sensorthings(filled) as client:
        answer = client.post("/Things", json=named("x"), headers={"Origin": "https://example.org"})
        assert answer.status_code == 401


def test_links_follow_the_address_that_was_asked(filled: Store) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "twin.example"}
    with sensorthings(filled, Settings(open_access=True)) as client:
        here = str(client.base_url).rstrip("/")
        assert client.get("/", headers=forwarded).json()["value"][0]["url"] == f"{here}/Things"
    with sensorthings(filled, Settings(open_access=True, trust_proxy=True)) as client:
        link = client.get("/Things", headers=forwarded).json()["value"][0]["@iot.selfLink"]
        assert link.startswith("https://twin.example/api/sensorthings/v1.1/Things(")


def test_the_command_shows_a_token_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBEDA_DATABASE_URL", f"sqlite:///{tmp_path / 'x.sqlite'}")
    run = CliRunner()
    made = run.invoke(
        app, ["sensors", "token", "create", "station", "--days", "3", "--scope", "sensorthings:read"]
    )
    token = made.stdout.splitlines()[0]
    with Store.open() as store:
        assert tokens.holder(store, token) == tokens.Holder("station", frozenset({"sensorthings:read"}))
        assert tokens.listed(store)[0].ends_at is not None
    listed = run.invoke(app, ["sensors", "token", "list", "--json"])
    assert "station" in listed.stdout and token not in listed.stdout
    assert run.invoke(app, ["sensors", "token", "revoke", "station"]).exit_code == 0
    with Store.open() as store:
        assert tokens.holder(store, token) == tokens.NOBODY
    assert isinstance(
        run.invoke(app, ["sensors", "token", "create", "x", "--scope", "y"]).exception, CallError
    )


def test_pages_of_named_sites_alone_may_read(filled: Store) -> None:
    """As the server mounts it: behind the guard, which takes every other permission away."""
    site = "https://site.example"
    service = FastAPI()
    mount(service, filled, Settings(site_origins=(site,)))
    add_guard(service, Keeper())
    with served(service) as address:
        for origin, allowed in ((site, site), ("https://other.example", None)):
            answer = httpx.get(f"{address}{PREFIX}/Things", headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in answer.headers
        told = {one["name"] for one in answer.json()["value"]}
        assert SEEN in told and not told & {HIDDEN, METERED, ROOF, POWER}
