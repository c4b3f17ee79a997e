"""A manager's own scenarios: named, kept by themselves, opened again, taken away and put back.

They lie as YAML files of the scenario schema in a folder of the server (`scenarios.shelf`). What has a name
is saved whenever a step of its measures is done; what has none yet is kept as the draft, which a page that
opens without a plan offers to go on with.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from scenarios.scenario import Scenario, load, parsed, unreadable
from scenarios.shelf import ConflictError, Shelf, as_yaml, write
from sensors.errors import StoreError
from twin.errors import CallError, Place, SourceError, TwinError
from twin.sample.inputs import slug
from viewer import bodies, texts
from viewer.accounts import requests
from viewer.accounts.recording import RecordedShelf
from viewer.participation import http
from viewer.turns import BusyError
from viewer.uploads import BROKEN, MEMORY, SLOW, OverrunError, Uploads
from viewer.whatif import Plan

_DRAFT = ".draft/draft.yaml"
_UPLOAD = Path("upload.yaml")  # what messages call a file that was sent without a name
_LONGEST_TITLE = 80
_LONGEST_FILE = 60
MOST_UPLOAD = 500_000  # bytes
_BUSY_S = 30
_OVERRUN = {SLOW: "shelf.upload_slow", MEMORY: "shelf.upload_memory", BROKEN: "shelf.upload_broken"}


class Drafts:
    """One page's way to the shelf.

    show : takes news for the page, by name of the bridge's parameter.
    begin : makes a plan the page's, with nothing to undo.
    plan : the page's plan as it was let go, which may not be simulated yet.
    """

    def __init__(
        self, shelf: Shelf, language: str, show: Callable[..., None], begin: Callable[[Plan], None],
        plan: Callable[[], Plan],
    ) -> None:  # fmt: skip
        self.shelf, self.language = shelf, language
        self._show, self._begin, self._plan = show, begin, plan
        self.name = self.title = ""
        self.state: str | None = None
        self.saved_at: float | None = None
        self.gone: tuple[str, str, str] | None = None
        self._kept: Plan | None = None
        self._lock = threading.RLock()

    def receive(self, message: Mapping[str, Any]) -> bool:
        """Do what a message asks; False where it is none of these."""
        action = self._ACTIONS.get(str(message.get("type")))
        if action is None:
            return False
        with self._lock:
            action(self, message)
        self._show(shelf=self.shown())
        return True

    def shown(self) -> dict[str, Any]:
        """What the page needs: the scenario that is open, and all that there are, the latest first."""
        listed: list[dict[str, Any]] = []
        for name in self.shelf.names():
            try:
                title = _title(self.shelf.open(name).scenario, self.language)
            except SourceError as error:  # somebody's hand was in the file
                title = f"{name}: {error.german if self.language == 'de' and error.german else error.what}"
            changed = self.shelf.changed(name)
            if not math.isnan(changed):  # else it has gone just now
                listed.append({"name": name, "title": title, "changed": changed})
        gone = None if self.gone is None else {"name": self.gone[0], "title": self.gone[2]}
        every = sorted(listed, key=lambda one: -one["changed"])
        return {"scenarios": every, "gone": gone, "draft": self._draft_age(), **self.now()}

    def now(self) -> dict[str, Any]:
        """The scenario that is open, and when it (or the draft) was saved, in seconds since 1970."""
        return {"name": self.name, "title": self.title, "saved_at": self.saved_at}

    def resume(self, name: str, plan: Plan) -> Plan:
        """Open the scenario of an address that also holds `plan`; the name stays only if both are the same.

        Raises
        ------
        TwinError : as `open` says.
        """
        opened = self.open(name)
        if not plan.choices or opened.scenario() == plan.scenario():
            return plan if plan.choices else opened
        self.close()
        return plan

    def open(self, name: str) -> Plan:
        """Open a scenario; its plan.

        Raises
        ------
        TwinError : there is none of this name, it is broken, or it holds what the panel cannot show.
        """
        saved = self.shelf.open(name)
        plan = Plan.from_scenario(saved.scenario)
        self.name, self.title = name, _title(saved.scenario, self.language)
        self.state, self.saved_at, self._kept = saved.state, self.shelf.changed(name), plan
        return plan

    def close(self) -> None:
        """What the page shows is no scenario of the shelf any more."""
        self.name = self.title = ""
        self.state = self.saved_at = None

    def keep(self, plan: Plan, name: str) -> None:
        """Save a plan by itself: under the name that was open with it, else as the draft.

        Nothing once another one is open. Safe in another thread.

        Raises
        ------
        ConflictError : another page saved the scenario meanwhile; what is shown then has no name any more.
        """
        with self._lock:
            if name == self.name:
                self._keep(plan)

    def _keep(self, plan: Plan) -> None:
        if plan == self._kept or (not self.name and plan.idle and self._kept is None):
            return
        self._kept = plan
        if not self.name:
            draft = self.shelf.folder / _DRAFT
            draft.parent.mkdir(parents=True, exist_ok=True)
            write(draft, as_yaml(plan.scenario()))
            self.saved_at = time.time()
            return
        try:
            self._write(plan, self.name, self.title, self.state)
        except ConflictError:
            self.close()
            raise

    def _write(self, plan: Plan, name: str, title: str, since: str | None) -> None:
        named = plan.scenario().model_copy(update={"name": name, "title": {self.language: title}})
        if since is not None:  # other languages' titles and the description stay
            before = self.shelf.open(name).scenario
            told = {"title": before.title | named.title, "description": before.description}
            named = named.model_copy(update=told)
        saved = self.shelf.save(named, since)
        self.name, self.title, self.state = name, title, saved.state
        self.saved_at, self._kept = time.time(), plan

    def _save(self, message: Mapping[str, Any]) -> None:
        title = _checked_title(message.get("title"))
        if self.name:
            self._write(self._plan(), self.name, title, self.state)
        else:
            self._write(self._plan(), _free(self.shelf, title), title, None)
            (self.shelf.folder / _DRAFT).unlink(missing_ok=True)

    def _duplicate(self, message: Mapping[str, Any]) -> None:
        typed = " ".join(str(message.get("title") or "").split())
        # A name that nobody has saved yet is not lost, and is the copy's too.
        if typed and typed != self.title:
            self._save(message)
        base = self.title or texts.text(self.language, "shelf.untitled")
        title = _checked_title(texts.text(self.language, "shelf.copy_of", title=base)[:_LONGEST_TITLE])
        self._write(self._plan(), _free(self.shelf, title), title, None)

    def _open(self, message: Mapping[str, Any]) -> None:
        self._keep(self._plan())
        self._begin(self.open(str(message["name"])))

    def _new(self, message: Mapping[str, Any]) -> None:
        self._keep(self._plan())
        self.close()
        self._kept = Plan()
        self._begin(Plan())

    def _continue(self, message: Mapping[str, Any]) -> None:
        self.close()
        plan = Plan.from_scenario(load(self.shelf.folder / _DRAFT))
        self._kept = plan
        self._begin(plan)

    def _remove(self, message: Mapping[str, Any]) -> None:
        name = str(message["name"])
        title = _title(self.shelf.open(name).scenario, self.language)
        self.gone = (name, self.shelf.remove(name), title)
        if name == self.name:
            self.close()

    def _restore(self, message: Mapping[str, Any]) -> None:
        if self.gone is not None:
            self.shelf.restore(*self.gone[:2])
            self.gone = None

    _ACTIONS: Mapping[str, Callable[[Drafts, Mapping[str, Any]], None]] = {
        "save": _save, "duplicate": _duplicate, "open": _open, "new": _new, "continue": _continue,
        "remove": _remove, "restore": _restore,
    }  # fmt: skip

    def _draft_age(self) -> float | None:
        """Seconds since the draft was kept; None where there is none worth going on with."""
        try:
            return time.time() - (self.shelf.folder / _DRAFT).stat().st_mtime
        except FileNotFoundError:
            return None


def uploaded(content: bytes) -> dict[str, Any]:
    """A scenario's file as the panel would save it; called where `viewer.uploads` reads files.

    Raises
    ------
    TwinError : it is no scenario, or holds what the panel cannot show; with the line that is wrong.
    """
    try:
        scenario = parsed(content.decode("utf-8"), _UPLOAD)
    except UnicodeDecodeError as error:
        raise unreadable(error, _UPLOAD) from None
    told = {"name": scenario.name, "title": scenario.title, "description": scenario.description}
    shown = Plan.from_scenario(scenario).scenario().model_copy(update=told)
    found: dict[str, Any] = shown.model_dump(mode="json", exclude_defaults=True)
    return found


def router(shelf: Shelf, uploads: Uploads) -> APIRouter:
    """GET of a scenario's file and POST of a new one, behind the login that guards /manage."""
    routes = APIRouter(prefix="/manage/scenarios", include_in_schema=False)

    @routes.get("/{name}.yaml")
    def file(name: str, request: Request) -> Response:
        try:
            text = as_yaml(shelf.open(name).scenario)
        except TwinError as error:
            return PlainTextResponse(f"{error.told(http.language(request))}\n", 404)
        named = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
        return Response(text, media_type="application/yaml", headers=named)

    @routes.post("")
    async def upload(request: Request, file: str = "") -> Response:
        """`file`: what it is called where it was chosen, for what is said of it alone."""
        language = http.language(request)
        content = await bodies.read(request, MOST_UPLOAD)
        if content is None:
            text = texts.text(language, "shelf.upload_size", kilobytes=str(MOST_UPLOAD // 1000))
            return JSONResponse({"error": text}, 413)
        try:
            recorded = RecordedShelf(shelf.folder, requests.noter(request))
            name = await uploads.turns.run(partial(_take, recorded, uploads, content, language))
        except BusyError:
            busy = {"error": texts.text(language, "shelf.upload_busy")}
            return JSONResponse(busy, 503, {"Retry-After": str(_BUSY_S)})
        except StoreError:
            return requests.unwritten()
        except OverrunError as error:
            return JSONResponse({"error": texts.text(language, _OVERRUN[error.reason])}, 422)
        except TwinError as error:
            named = error if error.place is None else error.at(Place(_file_name(file), error.place.line))
            return JSONResponse({"error": named.told(language)}, 422)
        return JSONResponse({"name": name}, 201)

    return routes


def _take(shelf: Shelf, uploads: Uploads, content: bytes, language: str) -> str:
    """Put an uploaded scenario on the shelf, under a name that is free; that name."""
    scenario = Scenario.model_validate(uploads.read(content))
    title = _title(scenario, language)[:_LONGEST_TITLE]
    name = _free(shelf, title)
    shelf.save(scenario.model_copy(update={"name": name, "title": {language: title}}), None)
    return name


def _file_name(given: str) -> str:
    """A file's name as messages may say it: no folders, nothing unprintable, of a long one both ends."""
    own = re.split(r"[/\\]", given)[-1].replace("`", "'")
    name = " ".join("".join(one for one in own if one.isprintable()).split()) or _UPLOAD.name
    half = _LONGEST_FILE // 2
    return name if len(name) <= _LONGEST_FILE else f"{name[: half - 1]}…{name[-half:]}"


def _free(shelf: Shelf, title: str) -> str:
    """A name that is not taken, made of the title."""
    stem = slug(title)[:60].strip("-") or "scenario"
    taken = set(shelf.names())
    number = 1
    while (name := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return name


def _title(scenario: Scenario, language: str) -> str:
    titles: dict[str, str] = {str(code): text for code, text in scenario.title.items()}
    return titles.get(language) or next(iter(titles.values()), scenario.name)


def _checked_title(title: Any) -> str:
    text = " ".join(str(title or "").split())
    if not text:
        raise CallError(
            "a scenario needs a name", "scenario", "Write what it is about",
            german="Das Szenario braucht einen Namen. Schreiben Sie, worum es geht.",
        )  # fmt: skip
    if len(text) > _LONGEST_TITLE:
        raise CallError(
            f"the name is longer than {_LONGEST_TITLE} characters", "scenario", "Shorten it",
            german=f"Der Name hat mehr als {_LONGEST_TITLE} Zeichen. Kürzen Sie ihn.",
        )  # fmt: skip
    return text
