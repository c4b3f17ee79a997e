"""Another people's client, frost-sta-client, creates, reads, filters, expands, changes and deletes."""

from __future__ import annotations

from typing import Any

import frost_sta_client as fsc
import geojson
import httpx


def test_frost_client(client: httpx.Client) -> None:
    service: Any = fsc.SensorThingsService(str(client.base_url))
    place = fsc.Location(
        name="here", description="a place", encoding_type="application/geo+json",
        location=geojson.Point((11.6, 50.9)),
    )  # fmt: skip
    thing = fsc.Thing(name="thing", description="a thing", properties={"a": 1})
    thing.locations = fsc.model.ext.entity_list.EntityList(
        entity_class=fsc.utils.class_from_string("frost_sta_client.model.location.Location").__module__
        + ".Location",
        entities=[place],
    )
    service.create(thing)
    unit = fsc.UnitOfMeasurement(name="degree Celsius", symbol="Cel", definition="http://x")
    stream = fsc.Datastream(
        name="stream", description="a stream", observation_type="http://x", unit_of_measurement=unit,
        thing=fsc.Thing(id=thing.id),
        sensor=fsc.Sensor(name="s", description="s", encoding_type="text/plain", metadata="m"),
        observed_property=fsc.ObservedProperty(name="t", definition="http://t", description="t"),
    )  # fmt: skip
    service.create(stream)
    for hour in range(5):
        service.create(
            fsc.Observation(
                result=hour,
                phenomenon_time=f"2024-01-01T0{hour}:00:00Z",
                datastream=fsc.Datastream(id=stream.id),
            )
        )
    found = service.observations().query().filter("result gt 1").orderby("phenomenonTime", "desc").list()
    assert [o.result for o in found] == [4, 3, 2]
    newest = service.observations().query().orderby("phenomenonTime").top(1).list().entities
    assert [o.result for o in newest] == [4]  # DESC, in capitals, is the client's own default
    assert service.observations().query().count().top(2).list().count == 5
    assert [o.result for o in service.observations().query().top(2).list()] == [
        0,
        1,
        2,
        3,
        4,
    ]  # follows the pages
    shown = service.datastreams().query().expand("Thing,Observations($top=1)").list().entities[0]
    assert shown.thing.name == "thing" and len(shown.observations.entities) == 1
    known = service.things().find(thing.id)
    known.description = "changed"
    service.update(known)
    assert service.things().find(thing.id).description == "changed"
    service.patch(known, [{"op": "replace", "path": "/properties/a", "value": 2}])
    assert service.things().find(thing.id).properties == {"a": 2}
    service.delete(known)
    assert (
        len(service.things().query().list().entities)
        == len(service.observations().query().list().entities)
        == 0
    )
