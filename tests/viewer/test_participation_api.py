"""Residents and moderator over HTTP, at the server as it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.viewer.districts import EAST, NORTH, small
from tests.viewer.participation import API, OVER, ROOFS, SITE, TREES, moderator, send, taking
from tests.viewer.test_server import Running
from viewer import access, server, texts
from viewer.participation import rules
from viewer.participation.limits import LIMITS, Limiter
from viewer.participation.service import Participation, Settings, origin

VOTER = "v" * 22
FOREIGN = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("participation")


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[Running]:
    with taking(f"sqlite:///{folder / 'sensors.sqlite'}") as started:
        yield started


@pytest.fixture(scope="module")
def desk(web: Running) -> Iterator[httpx.Client]:
    with moderator(web) as client:
        yield client


@pytest.fixture
def client(web: Running) -> Iterator[httpx.Client]:
    """A resident whom no other test has used up the limits of."""
    participation(web).limiter = Limiter()
    with web.client() as client:
        yield client


def participation(web: Running) -> Participation:
    return web.app.state.participation  # type: ignore[no-any-return]


def decide(desk: httpx.Client, number: int, action: str, text: str = "") -> httpx.Response:
    return desk.post(f"/moderate/comments/{number}?lang=en", json={"action": action, "text": text})


def shown(client: httpx.Client, proposal: str = TREES) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/proposals/{proposal}/comments").raise_for_status().json()
    return found


def kindly(answer: httpx.Response, status: int, code: str) -> str:
    """The refusal's message: one sentence that says what to do."""
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == code
    said: str = answer.json()["message"]
    assert said.endswith(".") and ":" in said and "{" not in said
    return said


def test_from_writing_to_answer_and_deletion(client: httpx.Client, desk: httpx.Client, folder: Path) -> None:
    place = {"point": [EAST + 20.4, NORTH + 60], "group": "g1"}
    sent = send(client, "Bitte eine Linde, keinen Parkplatz!", place=place)
    assert sent.status_code == 201 and sent.json()["state"] == "waiting"
    number, code = sent.json()["id"], sent.json()["code"]
    everything = shown(client)
    assert "Linde" not in str(everything) and everything["counts"]["waiting"] >= 1

    waiting = desk.get("/moderate/comments?state=waiting").json()["comments"]
    assert any(row["text"] == "Bitte eine Linde, keinen Parkplatz!" for row in waiting)
    assert code not in desk.get("/moderate/comments").text
    assert decide(desk, number, "show").status_code == 200
    assert decide(desk, number, "answer", "Die Linde kommt.").status_code == 200
    (row,) = [row for row in shown(client)["comments"] if row["id"] == number]
    assert row["place"] == {"point": [EAST + 20, NORTH + 60], "group": "g1"}
    assert row["answer"]["text"] == "Die Linde kommt."
    assert set(row) == {"id", "text", "date", "place", "votes", "answer"}

    hidden = decide(desk, number, "hide", "Doppelt.").json()
    assert "Linde" not in str(shown(client))
    mine = client.post(f"{API}/status", json={"code": code}).json()
    assert (mine["state"], mine["reason"]) == ("hidden", "Doppelt.")
    assert desk.post("/moderate/undo", json={"decision": hidden["decision"]}).status_code == 200
    assert "Linde" in str(shown(client))

    assert client.post(f"{API}/deletions", json={"code": code}).json() == {"id": number, "state": "deleted"}
    assert "Linde" not in str(shown(client)) + desk.get("/moderate/comments").text
    assert b"Linde" not in b"".join(file.read_bytes() for file in folder.glob("participation.sqlite*"))
    kindly(client.post(f"{API}/deletions?lang=en", json={"code": code}), 404, "refused_code")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('x')</script><img src=x onerror=alert(1)>",
        "🌳👩\u200d🌾 Danke 👍🏽",
        "שלום <b>מרחבא</b> مرحبا",
    ],
    ids=["script", "emoji", "right-to-left"],
)
def test_any_text_comes_back_as_it_was_written(client: httpx.Client, desk: httpx.Client, text: str) -> None:
    number = send(client, text).json()["id"]
    decide(desk, number, "show")
    answer = client.get(f"{API}/proposals/{TREES}/comments")
    assert (
        answer.headers["content-type"] == "application/json"
    )  # with nosniff: no browser takes it for a page
    assert [row["text"] for row in answer.json()["comments"] if row["id"] == number] == [text]
    if text.startswith("<"):
        assert "<script>alert" not in desk.get("/moderate").text


def test_what_is_refused_says_why_in_the_page_s_language(client: httpx.Client) -> None:
    farm = " ".join(f"https://shop{n}.example" for n in range(30))
    assert "2 at most" in kindly(send(client, f"Great! {farm}"), 422, "refused_links")
    kindly(send(client, " \u200b\n"), 422, "refused_empty")
    assert "2,000" in kindly(send(client, "a" * 2001), 422, "refused_long")
    kindly(send(client, "a" * 1_000_000), 413, "refused_size")
    german = client.post(
        f"{API}/proposals/{TREES}/comments", json={"text": ""}, headers={"Accept-Language": "de-DE,en;q=0.5"}
    )
    assert kindly(german, 422, "refused_empty") == texts.text("de", "participation.refused_empty")
    kindly(send(client, "Zu spät", OVER), 409, "refused_closed")
    kindly(send(client, "Wohin", "nowhere"), 404, "refused_unknown")
    for point in ([0, 0], [EAST], [EAST, "x"], [10**400, NORTH], [float("nan"), NORTH], "x", [True, True]):
        sent = {"text": "Hier", "place": {"point": point}}
        body = json.dumps(sent)
        answer = client.post(
            f"{API}/proposals/{TREES}/comments?lang=en",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        kindly(answer, 422, "refused_place")
    for group in (
        "<b>",
        "g2",
        "Anna.Mueller:wohnt-hier",
        ["g1"],
        "",
    ):  # everybody could read what is no group
        place = {"point": [EAST, NORTH], "group": group}
        kindly(send(client, "Hier", place=place), 422, "refused_place")


def test_the_longest_text_fits_however_it_is_written(client: httpx.Client) -> None:
    """Python's JSON writes an emoji in twelve bytes."""
    assert send(client, "😀" * rules.LENGTH_MAX).status_code == 201


def test_a_body_without_end_is_not_read_to_its_end(web: Running) -> None:
    """No length is announced; the server answers while we are still sending."""
    port = int(web.address.rpartition(":")[2])

    async def flood() -> tuple[bytes, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"POST {API}/proposals/{TREES}/comments HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        sent = 0
        answer = asyncio.ensure_future(reader.read(4096))
        while not answer.done() and sent < 50_000_000:
            writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
            sent += 4096
            await writer.drain()
            await asyncio.sleep(0)
        found = await answer
        writer.close()
        return found, sent

    found, sent = asyncio.run(flood())
    assert found.startswith(b"HTTP/1.1 413 ") and b"refused_size" in found
    assert sent < 50_000_000


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"', '{"text": 1}', '{"text": null}', "[" * 20_000])
def test_what_is_no_comment_is_refused(client: httpx.Client, content: str) -> None:
    answer = client.post(
        f"{API}/proposals/{TREES}/comments", content=content, headers={"Content-Type": "application/json"}
    )
    kindly(answer, 400, "refused_json")


def test_odd_characters_do_no_harm(client: httpx.Client, desk: httpx.Client) -> None:
    raw = '{"text": "Null \\u0000, halb \\ud800, wendend \\u202e!", "place": null}'
    answer = client.post(
        f"{API}/proposals/{TREES}/comments", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201
    decide(desk, answer.json()["id"], "show")
    assert shown(client)["comments"][0]["text"] == "Null , halb , wendend !"


def test_the_same_again_is_refused_but_tells_nothing_of_what_waits(
    client: httpx.Client, desk: httpx.Client
) -> None:
    number = send(client, "Genau so!").json()["id"]
    kindly(send(client, "genau  SO"), 409, "refused_duplicate")
    with httpx.Client(base_url=client.base_url, timeout=30) as other:
        participation_of_other = other.post(f"{API}/proposals/{ROOFS}/comments", json={"text": "Genau so!"})
        assert participation_of_other.status_code == 201  # on another proposal it is another thing
    decide(desk, number, "show")
    kindly(send(client, "Genau so!"), 409, "refused_duplicate")


def test_votes_count_once_and_are_taken_back(client: httpx.Client, desk: httpx.Client) -> None:
    def vote(value: object, voter: object = VOTER, **target: object) -> httpx.Response:
        return client.post(f"{API}/votes?lang=en", json={**target, "value": value, "voter": voter})

    before = shown(client, ROOFS)["votes"]
    assert vote(1, proposal=ROOFS).json()["votes"]["agree"] == before["agree"] + 1
    assert vote(1, proposal=ROOFS).json()["votes"]["agree"] == before["agree"] + 1
    assert vote(-1, proposal=ROOFS).json()["votes"]["disagree"] == before["disagree"] + 1
    assert vote(0, proposal=ROOFS).json()["votes"] == before
    number = send(client, "Stimmt ab!", ROOFS).json()["id"]
    kindly(vote(1, comment=number), 404, "refused_unknown")  # it waits
    decide(desk, number, "show")
    assert vote(1, comment=number).json()["votes"] == {"agree": 1, "disagree": 0}
    kindly(vote(1, proposal=OVER), 409, "refused_closed")
    kindly(vote(1, proposal="nowhere"), 404, "refused_unknown")
    for value, voter in ((2, VOTER), (True, VOTER), ("1", VOTER), (1, "short"), (1, None), (1, "v" * 100)):
        kindly(vote(value, voter, proposal=ROOFS), 400, "refused_json")
    for odd in ({}, {"comment": 10**30}, {"comment": "1"}, {"comment": 1, "proposal": ROOFS}):
        kindly(vote(1, **odd), 404, "refused_unknown")


def test_too_much_from_one_address_waits(client: httpx.Client) -> None:
    most = LIMITS["comment"][0].each
    for n in range(most):
        assert send(client, f"Nummer {n} heute").status_code == 201
    answer = send(client, "Eine zu viel")
    assert "10 minutes" in kindly(answer, 429, "refused_often")
    assert 0 < int(answer.headers["retry-after"]) <= 600
    # Without a trusted proxy nobody can pretend to be somebody else.
    pretending = client.post(
        f"{API}/proposals/{TREES}/comments?lang=en",
        json={"text": "Anders"},
        headers={"X-Forwarded-For": "8.8.8.8"},
    )
    kindly(pretending, 429, "refused_often")


def test_codes_cannot_be_tried_without_end(client: httpx.Client) -> None:
    tried = [client.post(f"{API}/status", json={"code": f"AAAA-{n}"}).status_code for n in range(21)]
    assert tried == [404] * 20 + [429]


def test_only_known_sites_may_ask(client: httpx.Client) -> None:
    url = f"{API}/proposals/{TREES}/comments"
    for method in ("GET", "POST", "OPTIONS"):
        answer = client.request(method, url, headers=FOREIGN)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers, method
    kindly(
        client.post(f"{url}?lang=en", json={"text": "x"}, headers={"Origin": "null"}), 403, "refused_origin"
    )
    kindly(client.get(f"{url}?lang=en", headers={"Sec-Fetch-Site": "cross-site"}), 403, "refused_origin")
    allowed = client.options(url, headers={"Origin": SITE})
    assert allowed.status_code == 204 and allowed.headers["access-control-allow-origin"] == SITE
    assert allowed.headers["access-control-allow-headers"] == "content-type"
    assert "access-control-allow-credentials" not in allowed.headers
    read = client.get(url, headers={"Origin": SITE})
    assert read.headers["access-control-allow-origin"] == SITE and read.headers["vary"] == "Origin"
    refused = client.post(f"{url}?lang=en", json={"text": ""}, headers={"Origin": SITE})
    assert refused.headers["access-control-allow-origin"] == SITE  # or its page could not say why
    own = client.get(url, headers={"Origin": str(client.base_url).rstrip("/")})
    assert own.status_code == 200
    assert "access-control-allow-origin" not in client.get("/", headers={"Origin": SITE}).headers


def test_a_form_of_another_page_cannot_send(client: httpx.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = client.post(
            f"{API}/proposals/{TREES}/comments?lang=en",
            content='{"text": "x"}',
            headers={"Content-Type": kind},
        )
        kindly(answer, 415, "refused_type")


def test_nobody_moderates_without_login(client: httpx.Client, desk: httpx.Client) -> None:
    for path in (
        "/moderate",
        "/moderate/",
        "/moderate/comments",
        "/moderate/comments.csv",
        "/moderate/texts",
    ):
        assert client.get(path).status_code == 401, path
    assert client.post("/moderate/comments/1", json={"action": "show"}).status_code == 401
    assert client.get("/moderated").status_code == 404
    # Nor can a page elsewhere let the moderator's browser do it, a known site's neither.
    for site in ("https://evil.example", SITE, "null"):
        answer = desk.post("/moderate/comments/1", json={"action": "show"}, headers={"Origin": site})
        assert answer.status_code == 403, site
    answer = desk.post(
        "/moderate/comments/1", content='{"action": "show"}', headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


def test_the_desk_says_what_cannot_be(client: httpx.Client, desk: httpx.Client) -> None:
    number = send(client, "Für den Schreibtisch").json()["id"]
    assert decide(desk, number, "refuse").json()["message"] == texts.text("en", "moderation.cannot_reason")
    assert decide(desk, number, "hide").status_code == 409
    assert decide(desk, 2**70, "show").status_code == 404
    assert desk.post("/moderate/undo", json={"decision": 2**70}).status_code == 409
    assert desk.post("/moderate/undo", json={"decision": "x"}).status_code == 400
    assert decide(desk, number, "refuse", "Werbung").status_code == 200
    counts = {one["id"]: one["counts"] for one in client.get(f"{API}/proposals").json()["proposals"]}
    assert counts[TREES]["refused"] >= 1 and counts[OVER]["shown"] == 0
    assert "Für den Schreibtisch" in desk.get("/moderate/comments.csv").text
    page = desk.get("/moderate?lang=en")
    assert "Check comments" in page.text and "unsafe-eval" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_nothing_private_in_any_public_answer(client: httpx.Client, desk: httpx.Client) -> None:
    sent = send(client, "Vertraulich wartend").json()
    decide(desk, sent["id"], "answer", "Vertraulich beantwortet")
    for path in (
        "",
        "/proposals",
        f"/proposals/{TREES}/comments",
        f"/proposals/{TREES}/comments?before=999999",
    ):
        text = client.get(f"{API}{path}").raise_for_status().text
        assert "Vertraulich" not in text and sent["code"] not in text and "digest" not in text


def test_moderated_afterwards_a_comment_shows_at_once_and_can_be_hidden(tmp_path: Path) -> None:
    with (
        taking(f"sqlite:///{tmp_path / 'sensors.sqlite'}", Settings(moderation="after")) as web,
        web.client() as client,
        moderator(web) as desk,
    ):
        assert client.get(API).json()["moderation"] == "after"
        sent = send(client, "Sofort zu lesen").json()
        assert sent["state"] == "shown"
        everything = shown(client)
        assert everything["moderation"] == "after" and everything["counts"]["waiting"] == 0
        assert [row["text"] for row in everything["comments"]] == ["Sofort zu lesen"]
        with web.client() as neighbour:  # what everybody can read need not be written twice
            kindly(send(neighbour, "sofort  zu lesen!"), 409, "refused_duplicate")
        assert decide(desk, sent["id"], "hide", "Doppelt.").status_code == 200
        assert shown(client)["comments"] == []


def test_behind_a_trusted_proxy_every_visitor_has_a_limit_of_their_own(tmp_path: Path) -> None:
    url = f"{API}/proposals/{TREES}/comments?lang=en"
    with (
        taking(f"sqlite:///{tmp_path / 'sensors.sqlite'}", Settings(trust_proxy=True)) as web,
        web.client() as proxy,
    ):

        def post(text: str, **headers: str) -> httpx.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return proxy.post(url, json={"text": text}, headers=named)

        for n in range(LIMITS["comment"][0].each):
            assert post(f"Nummer {n}", X_Forwarded_For="198.51.100.7").status_code == 201
        kindly(post("Eine zu viel", X_Forwarded_For="198.51.100.7"), 429, "refused_often")
        # What the visitor wrote before the proxy's own entry makes nobody somebody else.
        kindly(post("Anders", X_Forwarded_For="203.0.113.9, 198.51.100.7"), 429, "refused_often")
        assert post("Nachbarin", X_Forwarded_For="198.51.100.8").status_code == 201
        page = {"Origin": "https://zwilling.jena.example", "X_Forwarded_For": "198.51.100.9"}
        assert post("Eigene Seite", X_Forwarded_Host="zwilling.jena.example", **page).status_code == 201
        kindly(post("Fremde Seite", X_Forwarded_Host="other.example", **page), 403, "refused_origin")


@pytest.mark.parametrize(("named", "expected"), [("1", True), ("0", False)])
def test_only_a_one_in_the_environment_trusts_the_proxy(
    named: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOBEDA_TRUST_PROXY", named)
    assert access.Reach.at("https://lobeda.example").trust_proxy is expected


def test_the_sample_has_a_database_of_comments_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOBEDA_DATA", str(tmp_path))
    sample = replace(small(), name="Jena-Lobeda")  # whose proposals are shipped
    taken = server._participation(sample, Settings(moderation="after"), None)
    assert taken is not None
    with taken:
        assert taken.settings == Settings(moderation="after")
    assert [file.name for file in tmp_path.glob("*.sqlite")] == ["participation_sample.sqlite"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://Zwilling.Jena.de/", "https://zwilling.jena.de"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://jena.de:443", "https://jena.de"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_sites_are_named_as_browsers_do(given: str, expected: str) -> None:
    assert origin(given) == expected
