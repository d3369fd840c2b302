"""Reads TFLite metadata by the published schema's text, `metadata_schema.fbs` beside this file.

Knows nothing of how edgehar writes them: names, types and slots come from the schema alone.
"""

from __future__ import annotations

import re
from pathlib import Path

from flatbuffers import encode, number_types, packer
from flatbuffers.table import Table

SCHEMA = Path(__file__).with_name("metadata_schema.fbs")
NUMBERS = {"float": number_types.Float32Flags, "int": number_types.Int32Flags, "bool": number_types.BoolFlags}


class Schema:
    """Tables as (name, type) in slot order, a union's hidden type included; unions as their members."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"//[^\n]*", "", text)
        self.unions = {
            name: [member.strip() for member in body.split(",") if member.strip()]
            for name, body in re.findall(r"union (\w+) \{([^}]*)\}", text)
        }
        enums = re.findall(r"enum (\w+) : byte \{([^}]*)\}", text)
        self.enums = {name: [item.split("=")[0].strip() for item in body.split(",")] for name, body in enums}
        self.tables: dict[str, list[tuple[str, str]]] = {}
        for name, body in re.findall(r"table (\w+) ?\{([^}]*)\}", text):
            self.tables[name] = []
            for field, kind in re.findall(r"(\w+) ?: ?(\[?\w+\]?)[^;]*;", body):
                if kind in self.unions:
                    self.tables[name].append((f"{field}_type", "union type"))
                self.tables[name].append((field, kind))


def read_metadata_buffer(content: bytes) -> dict:
    """A ModelMetadata as plain dicts and lists; absent fields are absent, enumerations are names."""
    schema = Schema(SCHEMA.read_text("utf-8"))
    root = Table(bytearray(content), encode.Get(packer.uoffset, content, 0))
    return _table(schema, "ModelMetadata", root)


def _table(schema: Schema, name: str, table: Table) -> dict:
    found = {}
    chosen = 0
    for slot, (field, kind) in enumerate(schema.tables[name]):
        offset = table.Offset(4 + 2 * slot)
        if kind == "union type":
            chosen = table.Get(number_types.Uint8Flags, table.Pos + offset) if offset else 0
            continue
        if not offset:
            continue
        if kind in schema.unions:
            member = schema.unions[kind][chosen - 1]
            inner = Table(table.Bytes, table.Indirect(table.Pos + offset))
            found[field] = {"is": member} | _table(schema, member, inner)
        elif kind.startswith("["):
            found[field] = _vector(schema, kind[1:-1], table, offset)
        else:
            found[field] = _value(schema, kind, table, table.Pos + offset)
    return found


def _vector(schema: Schema, kind: str, table: Table, offset: int) -> list:
    start = table.Vector(offset)
    return [_value(schema, kind, table, start + 4 * i) for i in range(table.VectorLen(offset))]


def _value(schema: Schema, kind: str, table: Table, at: int):
    if kind == "string":
        return table.String(at).decode()
    if kind in schema.enums:
        return schema.enums[kind][table.Get(number_types.Int8Flags, at)]
    if kind in NUMBERS:
        return table.Get(NUMBERS[kind], at)
    return _table(schema, kind, Table(table.Bytes, table.Indirect(at)))
