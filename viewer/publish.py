"""The public twin as static files: any web server shows it, below any path, and nothing is asked elsewhere.

Only three things about energy leave: sums over whole privacy groups, the same per floor area, and sums of
those. Owners, cost centres and the source's own attributes never do.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
import mimetypes
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotli
import numpy as np
import pandas as pd

from twin import assets
from twin.district import District
from twin.errors import CallError, DistrictError
from viewer import (
    access,
    colours,
    facts,
    format,
    impact,
    layers,
    legal,
    pages,
    privacy,
    proposals,
    residents,
    shown,
    stories,
    texts,
    whatif,
)
from viewer.accounts.keeping import MONTHS
from viewer.accounts.store import SESSION_SECONDS
from viewer.impact import TODAY, Impact
from viewer.layers import LAYERS, Layer
from viewer.legal import Legal
from viewer.participation.limits import LONGEST_S
from viewer.participation.service import KEEP_MONTHS
from viewer.proposals import Proposal
from viewer.scene import build
from viewer.spreadsheets import cell
from viewer.state import Twin
from viewer.stories import Story

MARK = "lobeda-site.json"
ATTRIBUTES = tuple(
    a for a in facts.ATTRIBUTES if a.column in (
        "function", "construction_series", "year_of_construction", "storeys_above_ground",
        "measured_height_m", "roof_type", "dwellings",
    )
)  # fmt: skip
_SHARED = (
    "base.css", "residents.css", "icon.svg", "dom.js", "ui.js", "public.js", "proposals.js", "home.js",
    "story.js", "today.js", "offline.js", "comments.js", "comments.css",
    "spot.js", "table.js",
)  # fmt: skip
RETROFIT = "retrofit"
Progress = Callable[[str, float], None]
OFFLINE = "sw.js"
LIVE_S = 60
"""How often an open page asks for the sensors' values. [s]"""
SCENE_SCRIPT = Path(__file__).resolve().parent / "scene" / "dist" / "scene.js"
_PACKED = (".html", ".js", ".css", ".json", ".svg", ".csv", ".glb", ".bin", ".txt")
PACKINGS: Mapping[str, Callable[[bytes], bytes]] = {
    ".br": partial(brotli.compress, quality=9),  # 11 takes fifteen times as long for a sixth less
    ".gz": partial(gzip.compress, compresslevel=9, mtime=0),
}
"""What lies packed beside the files, by suffix."""
_TYPES = {".js": "text/javascript", ".glb": "model/gltf-binary", ".bin": "application/octet-stream"}
_GROUP_VALUES = (("heating_need_mwh", "heating_need_kwh", 1e-3, 1), ("co2_t", "co2_kg", 1e-3, 2))


@dataclass(frozen=True)
class Options:
    """What a site is made of beside the district.

    content : the folder of proposals and stories; without it what is shipped for the district, if anything.
    api : address below which comments and live values are asked for; empty: nowhere.
    live : whether values of sensors are asked for there too.
    draws : for the bands of what proposals mean for a home.
    by_link, secure, comment_months, record_months : as the server has them, for the page on data protection.
    going_live : refuse a site for which nobody answers by `legal.yaml`; without, such a one is a preview.
    memory : the file of the groups that the public has seen of the district (`viewer.shown`); None: none.
    """

    content: Path | None = None
    api: str = ""
    live: bool = True
    draws: int = 20
    by_link: bool = False
    secure: bool = False
    comment_months: int = KEEP_MONTHS
    record_months: int = MONTHS
    going_live: bool = False
    memory: Path | None = None

    @property
    def practice(self) -> legal.Practice:
        """What the page on data protection says of these settings."""
        return legal.Practice(
            asks=urlsplit(self.api).netloc,
            comments=bool(self.api),
            live=bool(self.api and self.live),
            by_link=self.by_link,
            secure=self.secure,
            comment_months=self.comment_months,
            record_months=self.record_months,
            live_s=LIVE_S,
            session_h=SESSION_SECONDS // 3600,
            limit_h=math.ceil(LONGEST_S / 3600),
        )


@dataclass(frozen=True, eq=False)
class Site:
    """All that the pages are written from.

    states : annual results per building by name, today first, as the public may see them.
    table : one row per privacy group.
    """

    twin: Twin
    options: Options
    states: Mapping[str, pd.DataFrame]
    table: pd.DataFrame
    proposals: Sequence[Proposal] = field(default_factory=tuple)
    stories: Sequence[Story] = field(default_factory=tuple)
    impacts: Sequence[Impact] = field(default_factory=tuple)
    legal: Legal | None = None


def publish(
    district: District,
    folder: str | os.PathLike[str],
    *,
    results: Twin | None = None,
    options: Options | None = None,
    progress: Progress = lambda _what, _share: None,
    tell: Callable[[Twin], None] = lambda _twin: None,
) -> Path:
    """Write the public twin of `district` into `folder`; an older site there gives way once this is complete.

    Parameters
    ----------
    results : the simulated baseline, after what was shown before (`Twin.after`); without it, it is simulated
        with the sample weather and follows `Options.memory`.
    tell : takes the twin as the site shows it, beside what was shown before, once it is written.

    Raises
    ------
    DistrictError : the folder holds something that is no site.
    SourceError : a file of the content is wrong.
    CallError : the district has no buildings, there is no such folder of content, or nobody answers for a
        site that is to go live.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise DistrictError("this is a file, not a folder", target, "Name a new folder or an older site")
    if target.exists() and not _may_replace(target):
        raise DistrictError("the folder holds other files", target, "Name a new folder or an older site")
    chosen = options or Options()
    content = content_of(district, chosen.content)
    answers = legal.required(content) if chosen.going_live else legal.own(content)
    planned = proposals.read(content)  # before what takes long
    walks = stories.read(content, [proposal.name for proposal in planned])
    progress("simulating", float("nan"))
    earlier = shown_before(target)
    if results is not None:
        twin = results.after(earlier)
    else:
        known = shown.read(chosen.memory), shown.figures(chosen.memory)
        twin = Twin.of(district).after({**known[0], **earlier}, known[1])
    site = replace(_site(twin, chosen, planned, progress), stories=walks, legal=answers)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        progress("writing", float("nan"))
        _write(site, beside)
        beside.chmod(0o755)
        shown.write(chosen.memory, groups_shown(twin), twin.public_figures)
        _swap(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    tell(twin)
    return target


def shown_before(folder: Path) -> privacy.Earlier:
    """The groups of an older site in a folder, and of those before it; none where there is no site."""
    mark = folder / MARK
    groups: privacy.Earlier = json.loads(mark.read_text("utf-8")).get("groups", {}) if mark.is_file() else {}
    return groups


def groups_shown(twin: Twin) -> privacy.Earlier:
    """The groups that a twin shows in public, then those that were shown before."""
    units = privacy.units_of(twin.district.buildings["dwellings"])
    shown = twin.group[twin.group != privacy.HIDDEN]
    now: dict[str, Mapping[str, float]] = {
        str(name): {str(one): float(units[one]) for one in ids}
        for name, ids in shown.groupby(shown).groups.items()
    }
    return privacy.followed(now, twin.earlier)


def planned(district: District, content: Path | None = None) -> list[Proposal]:
    """The proposals of a folder of content, or those that are shipped for the district; none for most.

    Raises
    ------
    SourceError : a file of the content is wrong.
    CallError : there is no such folder.
    """
    return proposals.read(content_of(district, content))


def content_of(district: District, content: Path | None = None) -> Path:
    """The folder of content, or the shipped one; one that does not exist where there is none.

    Raises
    ------
    CallError : there is no such folder.
    """
    if content is not None:
        if not content.is_dir():
            raise CallError("there is no such folder", content, "Name a folder with proposals/*.md")
        return content
    named = district.name if district.is_model and re.fullmatch(r"[\w-]+", district.name) else "-"
    return assets.path("content", named)


def _site(twin: Twin, options: Options, planned: Sequence[Proposal], progress: Progress) -> Site:
    first = {RETROFIT: twin.run(whatif.retrofit()).annual}
    states, impacts = impact.of_proposals(twin, planned, first, draws=options.draws, progress=progress)
    return Site(twin, options, states, group_table(twin, states), planned, impacts=impacts)


def summary(folder: Path) -> dict[str, Any]:
    """Facts about a written site: files, proposals, and the bytes of a first load, compressed."""
    mark = json.loads((folder / MARK).read_text("utf-8"))
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix not in PACKINGS]
    return {
        "site": str(folder),
        "files": len(files),
        "proposals": mark["proposals"],
        "preview": mark["preview"],
        "first_load_bytes": sum(_packed_size(folder / name) for name in mark["first_load"]),
    }


def _packed_size(file: Path) -> int:
    packed = file.with_name(f"{file.name}.gz")
    return (packed if packed.is_file() else file).stat().st_size


def media_type(path: str) -> str:
    """Content type by suffix."""
    suffix = Path(path).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind == "application/json" else kind


def group_table(twin: Twin, states: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per privacy group: name, quarter, counts, area, and its energy in each state. [kWh, kg]"""
    buildings = twin.district.buildings
    shown = twin.group[twin.group != privacy.HIDDEN]
    members = (
        buildings.loc[shown.index]
        .assign(group_id=shown, area=twin.public_figures["a_use_m2"].loc[shown.index])
        .sort_index()
    )
    table: pd.DataFrame = members.groupby("group_id").agg(
        buildings=("area", "size"), dwellings=("dwellings", "sum"), a_use_m2=("area", "sum")
    )
    table["name"] = _joined(members["group_id"], facts.names(members))
    table["quarter"] = _commonest(members["group_id"], members["quarter"])
    for state, annual in states.items():
        sums = privacy.sums(annual[["heating_need_kwh", "co2_kg"]], twin.group)
        table[[f"heating_need_kwh_{state}", f"co2_kg_{state}"]] = sums.loc[table.index]
    return table


def public_data(site: Site) -> dict[str, Any]:
    """All that the public page's script works with, without a text of any language."""
    twin, states, table = site.twin, site.states, site.table
    buildings = twin.district.buildings
    number = {group: row for row, group in enumerate(table.index)}
    data: dict[str, Any] = {
        "frames": list(states),
        "layers": [_layer(twin, states, table, name) for name in layers.of(twin.district, public=True)],
        "attributes": [
            {"id": a.column, "unit": a.unit, "digits": a.digits, "section": a.section} for a in ATTRIBUTES
        ],
        "buildings": {
            "group": [number.get(group) for group in twin.group],
            "heated": [bool(heated) for heated in twin.conditioned],
            "name": _public_names(buildings),
            "quarter": _plain(buildings["quarter"]),
        },
        "groups": {
            "name": table["name"].tolist(),
            "quarter": _plain(table["quarter"]),
            "buildings": table["buildings"].tolist(),
            "dwellings": _plain(table["dwellings"]),
        },
        "proposals": residents.data(site.impacts, site.proposals, table.index),
        "home_columns": list(residents.HOME_COLUMNS),
        "rent_eur_m2": twin.case.parameters.constant("rent_eur_m2"),
        "draws": min(site.options.draws, len(twin.draws)),
    }
    for attribute in ATTRIBUTES:
        data["buildings"][attribute.column] = _plain(buildings[attribute.column])
        if attribute.source:
            kinds = buildings[attribute.source].str.partition(":")[0]
            data["buildings"][f"{attribute.column}_kind"] = _plain(kinds.where(kinds.isin(facts.KINDS)))
    for name, column, factor, digits in _GROUP_VALUES:
        data["groups"][name] = {s: _rounded(table[f"{column}_{s}"] * factor, digits) for s in states}
    data["groups"]["heating_need_kwh_m2"] = {s: _rounded(_per_area(table, s), 1) for s in states}
    return data


def _per_area(table: pd.DataFrame, state: str) -> pd.Series:
    return table[f"heating_need_kwh_{state}"] / table["a_use_m2"].where(table["a_use_m2"] > 0)


def _layer(twin: Twin, states: Mapping[str, pd.DataFrame], table: pd.DataFrame, name: str) -> dict[str, Any]:
    def at(state: str) -> Layer:
        return LAYERS[name](twin.view(states[state], texts.DEFAULT, public=True))

    saving = name == "saving"
    layer = at(RETROFIT if saving else TODAY)
    names = [state for state in states if state != TODAY or not saving] if layer.energy else [TODAY]
    layers = {state: at(state) for state in names}
    first = pd.Series(np.arange(len(twin.group)), index=twin.group.to_numpy()).groupby(level=0).first()
    rows = first.reindex(table.index).to_numpy(int)
    return {
        "id": name,
        "by": "group" if layer.energy else "building",
        "values": _differing(
            {
                state: _rounded(
                    pd.Series(drawn.values[rows] if drawn.energy else drawn.values), layer.digits + 1
                )
                for state, drawn in layers.items()
            }
        ),
        "min": layer.value_min,
        "max": layer.value_max,
        "palette": list(layer.palette),
        "ticks": list(layer.ticks),
        "over": layer.over,
        "digits": layer.digits,
        "section": layer.section,
        "missing": colours.MISSING,
        "categories": [{"code": c.code, "colour": c.colour, "count": c.count} for c in layer.categories],
    }


def _differing(values: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    """Without the states that look as today."""
    today = values.get(TODAY)
    return {state: drawn for state, drawn in values.items() if state == TODAY or drawn != today}


def _write(site: Site, folder: Path) -> None:
    twin, states, table = site.twin, site.states, site.table
    district = twin.district
    app = folder / f"app-{pages.assets_digest()}"
    app.mkdir()
    for name in _SHARED:
        shutil.copyfile(pages.FOLDER / name, app / name)
    (folder / "scene").mkdir()
    (folder / "data").mkdir()
    files = {
        "app": app.name,
        "manifest": f"scene/{build.build(district, folder / 'scene')}",
        "csv": _hashed(folder, "data/groups", ".csv", _csv(table, states)),
    }
    files["scene_script"] = _hashed(folder, "scene/view", ".js", _scene_script())
    legal = SCENE_SCRIPT.with_name("scene.js.LEGAL.txt")
    if legal.is_file():
        shutil.copyfile(legal, folder / "scene" / legal.name)
    scene = json.loads((folder / files["manifest"]).read_text("utf-8"))
    walks = [stories.data(story, tuple(scene["origin"])) for story in site.stories]
    data = {**public_data(site), "stories": walks, "csv": files["csv"]}
    files["data"] = _hashed(folder, "data/district", ".json", _json(data))
    for language in texts.languages(variants=True):
        files["texts_file"] = _hashed(folder, f"data/{language}", ".json", _json(dict(texts.load(language))))
        _page(site, folder, language, files)
    (folder / OFFLINE).write_bytes(_offline(folder))
    mark = {
        "software": "lobeda",
        "district": district.name,
        "proposals": len(site.proposals),
        "preview": site.legal is None,
        "groups": groups_shown(twin),
        "first_load": ["index.html", *_first_load(folder, app.name, files)],
    }
    (folder / MARK).write_bytes(_json(mark))
    for file in sorted(folder.rglob("*")):
        if file.suffix in _PACKED and file.stat().st_size > 1024:
            for suffix, pack in PACKINGS.items():
                packed = file.with_name(f"{file.name}{suffix}")
                if not packed.exists():
                    packed.write_bytes(pack(file.read_bytes()))


def _offline(folder: Path) -> bytes:
    """The service worker's script: it keeps all files written so far, and changes with any of them."""
    version, names = hashlib.sha256(), []
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        if file.suffix not in (*PACKINGS, ".csv") and not file.name.endswith("LEGAL.txt"):
            names.append(file.relative_to(folder).as_posix())
            version.update(f"{names[-1]} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    head = f"const VERSION = {json.dumps(version.hexdigest()[:12])};\nconst FILES = {json.dumps(names)};\n"
    return head.encode() + (pages.FOLDER / OFFLINE).read_bytes()


def _first_load(folder: Path, app: str, files: Mapping[str, str]) -> list[str]:
    """What a first visit loads before terrain and image, with the texts of the default language."""
    scene = json.loads((folder / files["manifest"]).read_text("utf-8"))["files"]
    default = next((folder / "data").glob(f"{texts.DEFAULT}-????????????.json")).relative_to(folder)
    meshes = [f"scene/{scene[name]}" for name in ("buildings", "trees", "masks") if scene[name]]
    named = [files["data"], default.as_posix(), files["scene_script"], files["manifest"], *meshes]
    return sorted([*(f"{app}/{name}" for name in _SHARED), *named])


def _scene_script() -> bytes:
    if not SCENE_SCRIPT.is_file():
        raise DistrictError(
            "the scene's script is not built", SCENE_SCRIPT, "Run `make build` or install the wheel"
        )
    return SCENE_SCRIPT.read_bytes()


def _page(site: Site, folder: Path, language: str, files: Mapping[str, str]) -> None:
    twin, table = site.twin, site.table
    district = twin.district
    default = language == texts.DEFAULT
    root = "" if default else "../"
    heat = float(table["heating_need_kwh_today"].sum()) * 1e-6
    homes = float(np.nansum(district.buildings["dwellings"]))
    context = {
        **pages.context(language),
        "languages": texts.languages(variants=True),
        "tag": texts.tag(language),
        "tags": {code: texts.tag(code) for code in texts.languages(variants=True)},
        "short": {code: texts.text(code, "language.short") for code in texts.languages(variants=True)},
        "proposals": [residents.words(proposal, language) for proposal in site.proposals],
        "stories": [stories.words(story, language) for story in site.stories],
        "assumptions": residents.assumptions(twin.case.parameters, language),
        "legal": legal.words(site.legal, language),
        "date": format.day(legal.CHECKED, language),
        "api": site.options.api,
        "live": site.options.practice.live,
        "practice": site.options.practice,
        "told": site.options.practice.texts(language),
        "district_title": pages.district_title(district, language),
        "is_model": district.is_model,
        "credit": " · ".join(privacy.credit(district)),
        "root": root,
        "policy": access.public_policy(site.options.api),
        "links": {code: root + ("index.html" if code == texts.DEFAULT else f"{code}/index.html")
                  for code in texts.languages(variants=True)},
        "intro": texts.text(
            language, "public.intro",
            buildings=format.number(len(district.buildings), language),
            dwellings=format.number(homes, language),
            heat=format.quantity(heat, "GWh", language, 1),
        ),
        "quarters": _quarters(table, language),
        "total": {
            "dwellings": format.number(table["dwellings"].sum(), language),
            "heat": format.number(heat, language, 1),
        },
        "sources": sources(district, language),
        "app": root + files["app"],
        "csv": root + files["csv"],
        **{name: files[name] for name in ("data", "texts_file", "scene_script", "manifest")},
    }  # fmt: skip
    file = folder / ("index.html" if default else f"{language}/index.html")
    file.parent.mkdir(exist_ok=True)
    file.write_text(pages.template("public.html").render(context), "utf-8")


def sources(district: District, language: str) -> list[str]:
    """One line for each source of the district's data: what, from whom, under which licence."""
    lines = []
    for record in privacy.released_provenance(district):
        said = ", ".join(
            part
            for part in (record.source, record.attribution, record.licence, record.date, record.changes)
            if part
        )
        lines.append(f"{texts.label(language, 'tables', record.table)}: {said}")
    return list(dict.fromkeys(lines))


def _quarters(table: pd.DataFrame, language: str) -> list[dict[str, str]]:
    """Sums by quarter over whole groups, each counted where most of it lies; empty without quarters."""
    if table["quarter"].isna().all():
        return []
    named = table.assign(quarter=table["quarter"].fillna("–"))
    sums = named.groupby("quarter")[["dwellings", "heating_need_kwh_today"]].sum()
    return [
        {
            "name": str(quarter),
            "dwellings": format.number(float(row["dwellings"]), language),
            "heat": format.number(float(row["heating_need_kwh_today"]) * 1e-6, language, 1),
        }
        for quarter, row in sums.iterrows()
    ]


def _csv(table: pd.DataFrame, states: Mapping[str, pd.DataFrame]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    energy = [f"{kind}_{state}" for kind in ("heating_need_kwh", "co2_kg") for state in states]
    columns = ["dwellings", "a_use_m2", *energy]
    writer.writerow(["group", "name", "quarter", "buildings", *columns])
    for group, row in table.iterrows():
        figures = [round(float(row[c])) if np.isfinite(row[c]) else "" for c in columns]
        quarter = "" if pd.isna(row["quarter"]) else str(row["quarter"])
        writer.writerow([group, cell(str(row["name"])), cell(quarter), int(row["buildings"]), *figures])
    return stream.getvalue().encode("utf-8-sig")


def _public_names(buildings: pd.DataFrame) -> list[str | None]:
    """Addresses and names; the source's ids say nothing to residents."""
    names = facts.names(buildings)
    return [None if name == building_id else str(name) for building_id, name in names.items()]


def _joined(group: pd.Series, names: pd.Series) -> pd.Series:
    """The names of each group's buildings, the first three spelt out."""
    members: dict[str, dict[str, None]] = {}
    for one, name in zip(group, names, strict=True):
        members.setdefault(one, {})[str(name)] = None
    said = {}
    for one, known in members.items():
        more = len(known) - 3
        said[one] = ", ".join(list(known)[:3]) + (f" (+{more})" if more > 0 else "")
    return pd.Series(said, dtype="object")


def _commonest(group: pd.Series, values: pd.Series) -> pd.Series:
    """The most frequent value of each group, the first by name where two are; none where all are missing."""
    counts = pd.DataFrame({"group": group, "value": values}).dropna().value_counts().reset_index()
    ranked = counts.sort_values(["group", "count", "value"], ascending=[True, False, True])
    return ranked.drop_duplicates("group").set_index("group")["value"]


def _plain(values: pd.Series) -> list[Any]:
    """JSON's own types: whole numbers as such, missing ones null."""
    if values.dtype == "float64":
        return [
            None if not np.isfinite(v) else int(v) if v == int(v) else round(v, 2) for v in values.tolist()
        ]
    return [None if pd.isna(v) else str(v) for v in values]


def _rounded(values: pd.Series, digits: int) -> list[float | None]:
    return [None if not np.isfinite(v) else round(v, digits) for v in values.astype("float64").tolist()]


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _hashed(folder: Path, stem: str, suffix: str, content: bytes) -> str:
    """Write `content` under a name that carries its hash; the name relative to `folder`."""
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    (folder / name).write_bytes(content)
    return name


def _may_replace(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))


def _swap(fresh: Path, target: Path) -> None:
    old: Path | None = None
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / "old"
        target.rename(old)
    fresh.rename(target)
    if old is not None:
        shutil.rmtree(old.parent)
