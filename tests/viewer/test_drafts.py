"""A manager's own scenarios: kept, renamed, duplicated, taken away and put back, up and down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import scenarios
from scenarios.shelf import ConflictError, Shelf
from twin.errors import CallError
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

    def send(self, type: str, **values: Any) -> None:
        assert self.drafts.receive({"type": type, **values})


def test_a_saved_scenario_is_kept_by_itself_and_opens_after_a_restart(tmp_path: Path) -> None:
    page = Page(tmp_path, retrofit(0.5))
    page.send("save", title="  Süd:  Dämmen & Dach ")
    assert (page.drafts.name, page.drafts.title) == ("sued-daemmen-dach", "Süd: Dämmen & Dach")
    page.plan = retrofit(0.75)
    page.drafts.keep(page.plan)  # a step later
    later = Page(tmp_path)
    later.send("open", name="sued-daemmen-dach")
    assert later.plan == retrofit(0.75) and later.news["shelf"]["title"] == "Süd: Dämmen & Dach"
    later.send("save", title="Anders")
    assert Shelf(tmp_path).names() == ["sued-daemmen-dach"]  # its name in links stays
    assert later.news["shelf"]["scenarios"][0]["title"] == "Anders"


def test_what_has_no_name_is_a_draft(tmp_path: Path) -> None:
    page = Page(tmp_path)
    page.drafts.keep(Plan())
    assert page.drafts.shown()["draft"] is None  # nothing was done
    page.drafts.keep(retrofit(0.3))
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
    page.drafts.keep(retrofit(1.0))
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
    second.drafts.keep(retrofit(0.6))
    with pytest.raises(ConflictError):
        first.drafts.keep(retrofit(0.7))
    assert Plan.from_scenario(Shelf(tmp_path).open("eins").scenario) == retrofit(0.6)
    assert first.drafts.name == ""  # what it shows goes on without a name
    first.drafts.keep(retrofit(0.8))
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
    assert Plan.from_scenario(drafts.parsed(answer.text)) == page.plan and not page.plan.idle
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
    answer = _call(app, "POST", "/manage/scenarios", content=content)
    assert answer.status_code == status and said in answer.json()["error"], answer.text
    assert "/tmp" not in answer.text and Shelf(tmp_path).names() == []


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
