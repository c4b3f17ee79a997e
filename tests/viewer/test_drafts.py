"""A manager's own scenarios: kept, renamed, duplicated, taken away and put back, up and down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

import scenarios
from scenarios.scenario import parsed
from scenarios.shelf import ConflictError, Shelf
from twin.errors import CallError, TwinError
from viewer import drafts
from viewer.drafts import Drafts
from viewer.uploads import Uploads
from viewer.whatif import Plan, retrofit


@pytest.fixture(scope="module")
def uploads() -> Iterator[Uploads]:
    reading = Uploads("viewer.drafts:uploaded")
    yield reading
    reading.close()


class Page:
    """A page with its plan and what it would hear."""

    def __init__(self, folder: Path, plan: Plan | None = None) -> None:
        self.plan, self.news, self.begun = plan or Plan(), dict[str, Any](), list[Plan]()
        self.drafts = Drafts(Shelf(folder), "de", self._show, self._begin, lambda: self.plan)

    def _show(self, **news: Any) -> None:
        self.news.update(news)

    def _begin(self, plan: Plan) -> None:
        self.plan = plan
        self.begun.append(plan)

    def keep(self, plan: Plan) -> None:
        self.drafts.keep(plan, self.drafts.name)

    def send(self, type: str, **values: Any) -> None:
        assert self.drafts.receive({"type": type, **values})


def test_a_saved_scenario_is_kept_by_itself_and_opens_after_a_restart(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="  Süd:  Dämmen & Dach ")
    assert (page.drafts.name, page.drafts.title) == ("sued-daemmen-dach", "Süd: Dämmen & Dach")
    page.plan = retrofit(0.75)
    page.keep(page.plan)  # a step later
    later = Page(tmp_path)
    later.send("open", name="sued-daemmen-dach")
    assert later.plan == retrofit(0.75) and later.news["shelf"]["title"] == "Süd: Dämmen & Dach"
    later.send("save", title="Anders")
    assert Shelf(tmp_path).names() == ["sued-daemmen-dach"]  # its name in links stays
    assert later.news["shelf"]["scenarios"][0]["title"] == "Anders"


def test_what_is_kept_late_stays_with_the_scenario_it_was_made_in(tmp_path: Path) -> None:
    """Saving waits for a thread: meanwhile somebody may have opened another scenario."""
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    page.send("duplicate")
    made, name = retrofit(0.75), page.drafts.name
    page.send("open", name="eins")
    page.drafts.keep(made, name)
    assert scenarios.load(tmp_path / "eins.yaml") == page.plan.scenario().model_copy(
        update={"name": "eins", "title": {"de": "Eins"}}
    )
    assert page.drafts.name == "eins"


def test_a_file_whose_name_is_none_is_listed_with_its_fault(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    (tmp_path / "No Name.yaml").write_text((tmp_path / "eins.yaml").read_text("utf-8"), "utf-8")
    titles = {one["name"]: one["title"] for one in page.drafts.shown()["scenarios"]}
    assert titles["eins"] == "Eins"
    assert titles["No Name"].startswith("No Name: ") and len(titles["No Name"]) > 15


def test_what_has_no_name_is_a_draft(tmp_path: Path) -> None:
    page = Page(tmp_path)
    page.keep(Plan())
    assert page.drafts.shown()["draft"] is None  # nothing was done
    page.keep(retrofit(0.3))
    later = Page(tmp_path)
    assert later.drafts.shown()["draft"] is not None and later.drafts.shown()["scenarios"] == []
    later.send("continue")
    assert later.plan == retrofit(0.3)
    later.send("save", title="Nun mit Namen")
    assert later.news["shelf"]["draft"] is None


def test_duplicates_leave_the_first_alone(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    page.send("duplicate")
    assert page.drafts.title == "Eins (Kopie)"
    page.keep(retrofit(1.0))
    assert Plan.from_scenario(Shelf(tmp_path).open("eins").scenario) == retrofit(0.5)
    page.send("duplicate")
    assert len(Shelf(tmp_path).names()) == 3


def test_removed_scenarios_come_back(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    page.send("remove", name="eins")
    assert Shelf(tmp_path).names() == [] and page.drafts.name == ""
    assert page.news["shelf"]["gone"]["title"] == "Eins"
    page.send("restore")
    assert Plan.from_scenario(Shelf(tmp_path).open("eins").scenario) == retrofit(0.5)
    with pytest.raises(CallError, match="put back"):
        Shelf(tmp_path).restore("eins", "../../../etc/pa")


def test_two_pages_with_one_scenario_lose_nothing(tmp_path: Path) -> None:
    first = Page(tmp_path, retrofit(0.5))
    first.send("save", title="Eins")
    second = Page(tmp_path)
    second.send("open", name="eins")
    second.keep(retrofit(0.6))
    with pytest.raises(ConflictError):
        first.keep(retrofit(0.7))
    assert Plan.from_scenario(Shelf(tmp_path).open("eins").scenario) == retrofit(0.6)
    assert first.drafts.name == ""  # what it shows goes on without a name
    first.keep(retrofit(0.8))
    assert first.drafts.shown()["draft"] is not None


def test_files_go_up_and_come_down(tmp_path: Path, uploads: Uploads) -> None:
    page, app = Page(tmp_path), FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), uploads))
    shipped = Path(str(scenarios.__path__[0]), "library/roof-pv.yaml").read_bytes()
    answer = _call(app, "POST", "/manage/scenarios", content=shipped)
    assert answer.status_code == 201, answer.text
    page.send("open", name=answer.json()["name"])
    assert page.drafts.title == scenarios.load("library/roof-pv.yaml").title["de"]
    answer = _call(app, "GET", f"/manage/scenarios/{page.drafts.name}.yaml")
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    assert Plan.from_scenario(parsed(answer.text, Path("down.yaml"))) == page.plan and not page.plan.idle
    for odd in ("nothing", "..%2f..%2fsecret", "A B"):
        assert _call(app, "GET", f"/manage/scenarios/{odd}.yaml").status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"- 1", 422, "no scenario"),
        (b"name: x\nmeasures: [{measure: os:system}]", 422, "code"),
        (b"name: x\nmeasures: [{measure: magic}]", 422, "line 2"),
        (b"name: \xff", 422, "UTF-8"),
        (b"a: &a [x]\nb: [*a, *a]", 422, "anchors"),
        (b"x" * 600_000, 413, "500 kB"),
    ],
)
def test_what_is_no_scenario_is_refused_with_its_line(
    tmp_path: Path, uploads: Uploads, content: bytes, status: int, said: str
) -> None:
    app = FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), uploads))
    answer = _call(app, "POST", "/manage/scenarios", content=content, headers={"Accept-Language": "en"})
    assert answer.status_code == status and said in answer.json()["error"], answer.text
    assert "/tmp" not in answer.text and Shelf(tmp_path).names() == []


_STEP = "name: a\nmeasures:\n  - measure: roof_pv\n"
_FAULTS: dict[str, tuple[str | bytes, int | None, str, str]] = {
    "not YAML": ("name: a: b\n", 1, "Ein Doppelpunkt ist zu viel", "mapping values are not allowed here"),
    "tabulator": ("name: a\n\tb: c\n", 2, "Tabulatoren sind zum Einrücken nicht erlaubt", "cannot start any"),
    "open list": ("name: [a\n", 2, "fehlt ein Komma oder die schließende Klammer ]", "expected ',' or ']'"),
    "no colon": ("name: a\nb\nc: d\n", 3, "fehlt der Doppelpunkt", "could not find expected ':'"),
    "open quotes": ('name: "a\n', 2, "Anführungszeichen ist nicht geschlossen", "unexpected end of stream"),
    "two documents": ("name: a\n---\nname: b\n", 2, "nur eines ist erlaubt", "another document"),
    "rare in YAML": ("name: |7x\n", 1, "Gemeldet wird „expected", "not YAML: expected"),
    "tag": ("name: !!python/name:os.system\n", 1, "Schreiben Sie einfache Werte", "Write plain values"),
    "alias": ("a: &b [1]\n", 1, "Schreiben Sie den Eintrag aus", "Write the entry out"),
    "too deep": ("a: " + "[" * 30 + "]" * 30, 1, "Ein Szenario hat nur wenige Ebenen", "a few levels only"),
    "no date": ("name: a\ntitle: 2045-13-01\n", 2, "setzen Sie ihn in Anführungszeichen", "quotation marks"),
    "key twice": ("name: a\nname: b\n", 2, "Behalten Sie einen der beiden Einträge", "Keep one of them"),
    "key no text": ("1: a\n", 1, "Verwenden Sie die Namen des Schemas", "Use the names of the schema"),
    "unknown key": (_STEP + "    colour: red\n", 4, "Entfernen Sie ihn, oder", "Remove it, or use one of"),
    "name": ("name: Ä\n", 1, "darf nur a bis z, Ziffern", "should match pattern"),
    "year": (
        _STEP + "    year: 2050\n",
        4,
        "darf höchstens 2045 sein. Korrigieren",
        "less than or equal to 2045",
    ),
    "no name": ("measures: []\n", 1, "„name“ fehlt. Korrigieren Sie ihn", "Field required at name"),
    "unknown measure": (
        _STEP.replace("roof_pv", "magic"),
        3,
        "Möglich sind envelope",
        "Use envelope_retrofit",
    ),
    "own code": (_STEP.replace("roof_pv", "os:system"), 3, "auf der Kommandozeile", "Add --allow-code"),
    "parameter": (_STEP + "    parameters: {x: 1}\n", 3, "„x“ hat die Maßnahme roof_pv nicht", "Use share"),
    "type": (_STEP + "    parameters: {share: [1]}\n", 3, "Möglich sind Zahlen von 0 bis 1.", "Use 0 to 1"),
    "range": (_STEP + "    parameters: {share: 5}\n", 3, "Möglich sind Zahlen von 0 bis 1.", "Use 0 to 1"),
    "word": (
        _STEP + "    parameters: {share: viel}\n",
        3,
        "einen Anteil von 0 bis 1 oder in %",
        "a share of 0",
    ),
    "unit": (
        _STEP + "    parameters: {share: 5 K}\n",
        3,
        "einen Anteil von 0 bis 1 oder in %",
        "a share of 0",
    ),
    "not UTF-8": (
        b"name: \xff",
        None,
        "Byte 7). Speichern Sie sie als Text in UTF-8",
        "Save it as UTF-8 text",
    ),
    "no scenario": ("- 1\n", None, "Schreiben Sie mindestens `name:`", "Write at least `name:`"),
    "empty": ("", None, "Schreiben Sie mindestens `name:`", "Write at least `name:`"),
    "control": ("name: \x07\n", None, "Ein Steuerzeichen ist nicht erlaubt", "unacceptable character"),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_faults_of_a_file_are_said_in_the_pages_language(
    tmp_path: Path, uploads: Uploads, fault: str
) -> None:
    given, line, german, english = _FAULTS[fault]
    app = FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), uploads))
    content = given if isinstance(given, bytes) else given.encode()
    for language, said, counted in (("de", german, "Zeile"), ("en", english, "line")):
        wanted = {"Accept-Language": language}
        answer = _call(app, "POST", "/manage/scenarios", content=content, headers=wanted)
        place = "upload.yaml" if line is None else f"upload.yaml, {counted} {line}"
        assert answer.status_code == 422
        assert answer.json()["error"].startswith(f"{place}: ") and said in answer.json()["error"], answer.text


_SHORTENED = "a" * 29 + "…" + "a" * 25 + ".yaml"  # 60 characters, both ends of 105


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("Mein Plan.yaml", "Mein Plan.yaml"),
        ("C:\\fakepath\\süd.yml", "süd.yml"),
        ("../../etc/passwd", "passwd"),
        ("a\u202egpj\n\x07 `b`.yaml", "agpj 'b'.yaml"),
        ("a" * 100 + ".yaml", _SHORTENED),
        ("", "upload.yaml"),
        ("\n", "upload.yaml"),
    ],
)
def test_a_refused_file_is_called_what_its_sender_calls_it(
    tmp_path: Path, uploads: Uploads, chosen: str, said: str
) -> None:
    app = FastAPI()
    app.include_router(drafts.router(Shelf(tmp_path), uploads))
    path = f"/manage/scenarios?{urlencode({'file': chosen})}"
    answer = _call(app, "POST", path, content=b"name: a\nname: b\n", headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert answer.json()["error"] == f"{said}, line 2: 'name' stands twice. Keep one of them."


def test_a_name_that_was_typed_is_saved_and_the_copys_too(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("duplicate", title=" Mein  Plan ")
    assert page.drafts.title == "Mein Plan (Kopie)"
    titles = {one["title"] for one in page.drafts.shown()["scenarios"]}
    assert titles == {"Mein Plan", "Mein Plan (Kopie)"}
    assert Plan.from_scenario(Shelf(tmp_path).open("mein-plan").scenario) == retrofit(0.5)
    page.send("open", name="mein-plan")
    page.send("duplicate", title="Unser Plan")  # a name that stands, changed but not yet saved
    assert page.drafts.title == "Unser Plan (Kopie)"
    titles = {one["title"] for one in page.drafts.shown()["scenarios"]}
    assert titles == {"Unser Plan", "Mein Plan (Kopie)", "Unser Plan (Kopie)"}
    page.send("duplicate", title="")
    assert page.drafts.title == "Unser Plan (Kopie) (Kopie)"


def test_what_the_shelf_refuses_is_said_in_german(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    other = Page(tmp_path)
    other.send("open", name="eins")
    other.keep(retrofit(0.6))
    with pytest.raises(ConflictError) as conflict:
        page.keep(retrofit(0.7))
    assert conflict.value.text("de").endswith("öffnen Sie das andere und wiederholen Sie Ihre Änderung.")
    (tmp_path / "zwei.yaml").write_text("name: zwei\nname: zwei\n")
    titles = [one["title"] for one in page.drafts.shown()["scenarios"]]
    assert "zwei: „name“ steht zweimal da. Behalten Sie einen der beiden Einträge." in titles
    for name, said in (
        ("zwei", "zwei.yaml, Zeile 2: „name“ steht zweimal da"),
        ("drei", "Dieses Szenario gibt es nicht"),
        ("../drei", "„../drei“ ist kein Name eines Szenarios. Öffnen Sie eines aus der Liste."),
    ):
        with pytest.raises(TwinError) as refused:
            page.drafts.open(name)
        assert said in refused.value.text("de")


def test_a_files_address_follows_the_page_before_the_browser(tmp_path: Path) -> None:
    app, english = FastAPI(), {"Accept-Language": "en"}
    app.include_router(drafts.router(Shelf(tmp_path), Uploads("viewer.drafts:uploaded")))
    for query, said in (("", "there is no such scenario"), ("?lang=de", "Dieses Szenario gibt es nicht")):
        assert said in _call(app, "GET", f"/manage/scenarios/drei.yaml{query}", headers=english).text


def test_titles_are_checked(tmp_path: Path) -> None:
    for title in ("", "   ", "x" * 81):
        with pytest.raises(CallError):
            Page(tmp_path).drafts.receive({"type": "save", "title": title})
    page = Page(tmp_path, retrofit(1.0))
    page.send("save", title="🏠")  # no letter that a file's name may have
    assert page.drafts.name == "scenario"


def test_an_address_with_another_plan_does_not_overwrite(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="Eins")
    other = Page(tmp_path)
    assert other.drafts.resume("eins", Plan()) == retrofit(0.5) and other.drafts.name == "eins"
    assert other.drafts.resume("eins", retrofit(0.9)) == retrofit(0.9) and other.drafts.name == ""


def _call(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())
