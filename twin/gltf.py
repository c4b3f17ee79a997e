"""Binary glTF 2.0 of one mesh."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_GLB_MAGIC, _JSON_CHUNK, _BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENTS = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}


class Table(Protocol):
    """A property table of EXT_structural_metadata; see `twin.exports.metadata`."""

    @property
    def views(self) -> Sequence[bytes]: ...

    def document(self, first_view: int) -> dict[str, Any]: ...


def write_glb(
    attributes: Mapping[str, NDArray[Any]],
    indices: Mapping[str, NDArray[Any]],
    extras: Mapping[str, Any] | None = None,
    *,
    node: Mapping[str, Any] | None = None,
    extensions: Sequence[str] = (),
    asset: Mapping[str, Any] | None = None,
    material: Mapping[str, Any] | None = None,
    features: Mapping[str, Any] | None = None,
    table: Table | None = None,
) -> bytes:
    """Binary glTF 2.0 of one mesh: a primitive for each of `indices` over the same vertices.

    Parameters
    ----------
    attributes : by glTF name, shape (V, n) or (V,); int8 and int16 are written as normalised numbers.
    indices : by mode, TRIANGLES or LINES.
    node : properties of the node, such as translation and scale of quantised positions.
    extensions : required extensions, such as KHR_mesh_quantization.
    asset : more of the asset, such as its copyright.
    features : EXT_mesh_features of the primitives.
    table : EXT_structural_metadata of the file.
    """
    blob, views, accessors = bytearray(), list[Any](), list[Any]()

    def add(array: NDArray[Any], target: int, **more: Any) -> int:
        data = array if array.ndim == 2 else array[:, np.newaxis]
        rows, width = data.shape
        view = {"buffer": 0, "byteOffset": len(blob), "target": target}
        if target == _ARRAY_BUFFER:
            step = -(-width * data.itemsize // 4) * 4
            padded = np.zeros((rows, step), np.uint8)
            padded[:, : width * data.itemsize] = np.ascontiguousarray(data).view(np.uint8).reshape(rows, -1)
            blob.extend(padded.tobytes())
            view["byteStride"] = step
        else:
            blob.extend(np.ascontiguousarray(data).tobytes())
        view["byteLength"] = len(blob) - view["byteOffset"]
        blob.extend(b"\0" * (-len(blob) % 4))
        views.append(view)
        kind = "SCALAR" if target == _ELEMENT_ARRAY_BUFFER or width == 1 else f"VEC{width}"
        count = data.size if target == _ELEMENT_ARRAY_BUFFER else rows
        accessors.append(
            {
                "bufferView": len(views) - 1,
                "componentType": _COMPONENTS[data.dtype.name],
                "count": count,
                "type": kind,
            }
            | more
        )
        return len(accessors) - 1

    named = {}
    for name, array in attributes.items():
        more: dict[str, Any] = {}
        if name == "POSITION":
            more = {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        if array.dtype.name in ("int8", "int16"):
            more["normalized"] = True
        named[name] = add(array, _ARRAY_BUFFER, **more)
    modes = {"TRIANGLES": 4, "LINES": 1}
    primitives = [
        {
            "attributes": named,
            "mode": modes[mode],
            "indices": add(array.astype("uint32"), _ELEMENT_ARRAY_BUFFER),
        }
        for mode, array in indices.items()
    ]
    optional: dict[str, Any] = {}
    for primitive in primitives if features else ():
        primitive["extensions"] = {"EXT_mesh_features": dict(features or {})}
        optional["EXT_mesh_features"] = None
    if material is not None:
        primitives = [{**primitive, "material": 0} for primitive in primitives]
    if table is not None:
        optional["EXT_structural_metadata"] = table.document(len(views))
        for content in table.views:
            blob.extend(b"\0" * (-len(blob) % 8))  # aligned as the extension wants it
            views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(content)})
            blob.extend(content)
        blob.extend(b"\0" * (-len(blob) % 4))
    document: dict[str, Any] = {
        "asset": {
            "version": "2.0",
            "generator": "lobeda",
            **({"extras": dict(extras)} if extras is not None else {}),
            **(asset or {}),
        },
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0} | dict(node or {})],
        "meshes": [{"primitives": primitives}],
        "buffers": [{"byteLength": len(blob)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    if extensions:
        document |= {"extensionsUsed": list(extensions), "extensionsRequired": list(extensions)}
    if optional:
        document["extensionsUsed"] = [*extensions, *optional]
        document["extensions"] = {name: value for name, value in optional.items() if value is not None}
    if material is not None:
        document["materials"] = [dict(material)]
    return _chunks(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), bytes(blob))


def _chunks(head: bytes, blob: bytes) -> bytes:
    head += b" " * (-len(head) % 4)
    total = 12 + 8 + len(head) + 8 + len(blob)
    return b"".join(
        [
            struct.pack("<III", _GLB_MAGIC, 2, total),
            struct.pack("<II", len(head), _JSON_CHUNK), head,
            struct.pack("<II", len(blob), _BIN_CHUNK), blob,
        ]
    )  # fmt: skip
