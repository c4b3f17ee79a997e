"""Findings and alarms of the sensors in plain language."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from viewer import format, texts

BERLIN = ZoneInfo("Europe/Berlin")
_SHOWN_UNITS = {
    "Cel": "°C", "kW.h": "kWh", "MW.h": "MWh", "deg": "°", "1": "", "[ppm]": "ppm", "dB[mW]": "dBm",
    "uS/cm": "µS/cm", "ug/m3": "µg/m³", "m3/h": "m³/h", "W/m2": "W/m²", "[pH]": "pH", "m3": "m³",
    "[degF]": "°F",
}  # fmt: skip
_ANNOTATION = re.compile(r"\{([^{}]*)\}")


def shown_unit(ucum: str | None, language: str) -> str:
    """A UCUM code as people write the unit; what braces note by its word in `language`, if known."""
    code = ucum or ""
    if code in _SHOWN_UNITS:
        return _SHOWN_UNITS[code]
    return _ANNOTATION.sub(lambda found: texts.label(language, "counted", found[1]), code)


def reason(
    check: str, flag: int, count: int, figures: Mapping[str, Any] | None, unit: str, language: str
) -> str:
    """Why a stretch of values was flagged."""
    given = dict(figures or {})

    def value(name: str) -> str:
        return amount(given.get(name, math.nan), unit, language)

    words = {"low": value("low"), "high": value("high"), "count": count, "limit": value("limit")}
    words |= {"model_low": value("model_low"), "model_high": value("model_high")}
    if check == "range":
        high = given.get("high", -math.inf) > given.get("limit_high", math.inf)
        side = "high" if high else "low"
        return texts.text(
            language, f"finding.range_{side}_{flag}", value=value(side), limit=value(f"limit_{side}")
        )
    if check == "rate":
        words["limit"] = value("limit_per_h")
    words["hours"] = duration(3600 * given.get("hours", math.nan), language)
    words["expected"] = duration(3600 * given.get("expected_h", math.nan), language)
    return texts.text(language, f"finding.{check}", **words)


def alarm_reason(kind: str, figures: Mapping[str, Any] | None, language: str) -> str:
    """Why an alarm was raised."""
    given = dict(figures or {})
    unit = str(given.get("unit", ""))
    return texts.text(
        language,
        f"alarm.{kind}",
        time=clock(pd.Timestamp(given["last"]), language) if "last" in given else "",
        expected=duration(given.get("expected_s", math.nan), language),
        value=amount(given.get("value", math.nan), unit, language),
        limit=amount(given.get("limit", math.nan), unit, language),
        share=format.quantity(100 * given.get("share", math.nan), "%", language),
        count=given.get("count", 0),
    )


def amount(value: float, unit: str, language: str) -> str:
    """A figure with three significant digits or more, and its unit."""
    if not math.isfinite(value):
        return "–"
    digits = 0 if value == int(value) else max(0, min(3, 2 - math.floor(math.log10(abs(value)))))
    return format.quantity(value, shown_unit(unit, language), language, digits)


def duration(seconds: float, language: str) -> str:
    """A length of time in the unit that suits it."""
    if not math.isfinite(seconds):
        return "–"
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)):
        if seconds >= 2 * length or name == "seconds":
            number = seconds / length
            digits = 0 if number >= 10 or abs(number - round(number)) < 0.05 else 1
            return texts.text(language, f"alarm.{name}", value=format.number(number, language, digits))
    raise AssertionError("the last unit always suits")


def ago(seconds: float, language: str) -> str:
    """How long ago something was, in whole units: as the page's script writes it."""
    whole = math.floor(max(seconds, 0.0) + 0.5)
    units = (("seconds", 1, 90), ("minutes", 60, 5_400), ("hours", 3_600, 172_800))
    fitting = ((name, length) for name, length, below in units if whole < below)
    name, length = next(fitting, ("days", 86_400))
    return texts.text(language, f"ago.{name}", value=math.floor(whole / length + 0.5))


def clock(time: pd.Timestamp, language: str) -> str:
    """A time on the clock of Jena, with its zone, since an hour stands twice in autumn."""
    local = time.tz_convert(BERLIN)
    pattern = "%d.%m.%Y %H:%M" if language == "de" else "%Y-%m-%d %H:%M"
    summer = bool(local.dst())
    zone = ("MESZ" if summer else "MEZ") if language == "de" else ("CEST" if summer else "CET")
    return f"{local.strftime(pattern)} {zone}"
