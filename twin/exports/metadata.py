"""Facts inside glTF: EXT_mesh_features names a vertex's building, EXT_structural_metadata what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin import schema
from twin.exports import values

NO_FLOAT, NO_COUNT = -9999.0, -2147483648
CLASS = "building"
ATTRIBUTE = "_FEATURE_ID_0"


@dataclass(frozen=True)
class PropertyTable:
    """A table as glTF stores it: a schema, and columns whose values are indices into `views`."""

    count: int
    classes: dict[str, Any]
    columns: dict[str, dict[str, int]]
    views: tuple[bytes, ...]

    def document(self, first_view: int) -> dict[str, Any]:
        """The extension's object, once `views` stand behind `first_view` others."""
        placed = {
            name: {key: view + first_view for key, view in column.items()}
            for name, column in self.columns.items()
        }
        table = {"name": CLASS, "class": CLASS, "count": self.count, "properties": placed}
        return {"schema": {"id": "lobeda", "classes": self.classes}, "propertyTables": [table]}


def property_table(attributes: pd.DataFrame) -> PropertyTable:
    """The rows of `attributes` with their index as ``id``; text is UTF-8, what is missing is noData."""
    views: list[bytes] = []
    properties: dict[str, Any] = {}
    columns: dict[str, dict[str, int]] = {}
    known = schema.columns("buildings")
    ids = pd.Series(attributes.index.astype(str), name="id")
    for name, column in {"id": ids, **{str(n): attributes[n] for n in attributes.columns}}.items():
        described = known.get(name)
        said = f"{described.meaning}{f' [{described.unit}]' if described.unit else ''}" if described else name
        own: dict[str, Any] = {"name": described.label_en if described else name, "description": said}
        plain = values.plain(column)
        if values.is_number(column):
            whole = values.is_count(name)
            missing = NO_COUNT if whole else NO_FLOAT
            numbers = [missing if value is None else value for value in plain]
            own |= {"type": "SCALAR", "componentType": "INT32" if whole else "FLOAT32", "noData": missing}
            columns[name] = {"values": len(views)}
            views.append(np.array(numbers, "<i4" if whole else "<f4").tobytes())
        else:
            own |= {"type": "STRING", "noData": ""}
            coded = ["" if value is None else _text(value) for value in plain]
            columns[name] = {"values": len(views), "stringOffsets": len(views) + 1}
            bytes_ = [one.encode() for one in coded]
            offsets = np.concatenate([[0], np.cumsum([len(one) for one in bytes_])])
            # A view may not be empty: a table without any text gets a byte that nothing points to.
            views += [b"".join(bytes_) or b"\0", offsets.astype("<u4").tobytes()]
        if name == "id":
            own = {key: value for key, value in own.items() if key != "noData"} | {
                "semantic": "ID", "required": True,
            }  # fmt: skip
        properties[name] = own
    return PropertyTable(len(attributes), {CLASS: {"properties": properties}}, columns, tuple(views))


def features(count: int) -> dict[str, Any]:
    """EXT_mesh_features of a primitive whose vertices have `ATTRIBUTE`."""
    return {"featureIds": [{"featureCount": count, "attribute": 0, "propertyTable": 0, "label": CLASS}]}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
