"""Programmes as files: exported, compared, promoted to another system, rolled back. A programme's ``code`` is its stable name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from kernel.actors import Actor
from kernel.errors import FieldErrors
from loyalty.rules_words import differences
from loyalty.selectors_programme import UnknownProgrammeVersion, find_rule, list_programmes, list_versions
from loyalty.services.programmes import ask_for_release, parse_programme, write_version
from loyalty.types import ProgrammeVersionDetails
from loyalty.types_programme import ProgrammeRule

MAX_FILE_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class ProgrammeFile:
    """What a file says: a programme's code, name and whole rule."""

    code: str
    name: str
    rule: ProgrammeRule


def export_programmes(*, folder: Path, at: datetime) -> list[Path]:
    """Write each programme in force to ``<code>.json``; which files. The same programme gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code, name in list_programmes():
        rule = find_rule(code, at)
        if rule is not None:
            content = {"code": code, "name": name, "rule": msgspec.to_builtins(rule)}
            path = folder / f"{code}.json"
            path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
            written.append(path)
    return written


def read_file(*, path: Path) -> ProgrammeFile:
    """Raises: FieldErrors naming the file and the field."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FieldErrors({path.name: [f"A file of a programme has at most {MAX_FILE_BYTES:,} bytes."]})
        content: Any = json.loads(path.read_bytes())
        if not isinstance(content, dict) or content.keys() != {"code", "name", "rule"}:
            raise FieldErrors({path.name: ["Write one JSON object with code, name and rule."]})
        if not isinstance(content["code"], str) or not isinstance(content["name"], str):
            raise FieldErrors({path.name: ["code and name are texts."]})
        return ProgrammeFile(content["code"], content["name"], parse_programme(json.dumps(content["rule"])))
    except (ValueError, RecursionError, OSError) as error:
        raise FieldErrors({path.name: [f"The file cannot be read: {error}."]}) from None
    except FieldErrors as error:
        raise error if path.name in error.errors else error.within(path.name) from None


def diff_file(*, file: ProgrammeFile, at: datetime) -> list[tuple[str, tuple[str, str]]]:
    """What the file would change of what is in force here: path, before, after."""
    names = dict(list_programmes())
    changes = differences(find_rule(file.code, at), file.rule)
    if names.get(file.code) != file.name:
        changes.insert(0, ("name", (names.get(file.code, ""), file.name)))
    return changes


def apply_files(
    *, files: list[ProgrammeFile], active_from: datetime, comment: str, actor: Actor, at: datetime
) -> list[ProgrammeVersionDetails]:
    """Write what differs as new versions, and ask for their release: a second person lets them out. Which versions.

    Raises: AccessDenied, FieldErrors, NotReleasable.
    """
    written = []
    for file in files:
        if diff_file(file=file, at=at):
            version = write_version(code=file.code, name=file.name, rule=file.rule, note=comment, actor=actor, at=at)
            ask_for_release(
                version_id=version.id,
                active_from=active_from,
                comment=comment,
                idempotency_key=f"file:{version.id}:{at.isoformat()}",
                actor=actor,
                at=at,
            )
            written.append(version)
    return written


def roll_back(
    *, code: str, number: int, active_from: datetime, comment: str, actor: Actor, at: datetime
) -> ProgrammeVersionDetails:
    """Write the rule of an older version as the newest, and ask for its release.

    Raises: AccessDenied, UnknownProgrammeVersion, FieldErrors, NotReleasable.
    """
    older = next((version for version in list_versions(code) if version.number == number), None)
    if older is None:
        raise UnknownProgrammeVersion(f"{code} has no version {number}.")
    file = ProgrammeFile(code, dict(list_programmes())[code], older.rule)
    written = apply_files(files=[file], active_from=active_from, comment=comment, actor=actor, at=at)
    if not written:
        raise FieldErrors({"number": ["This is what is in force."]})
    return written[0]
