"""``Record``: the patients of ``fixtures/`` brought to the present, and what was signed since."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from cds_hooks.sample_ehr.present import moved

Resource = dict[str, Any]
Clock = Callable[[], datetime]

WRITABLE = frozenset({"MedicationRequest", "ServiceRequest"})
"""What a prescriber writes. Everything else is charted by others."""
MOST_WRITTEN = 1000
"""Orders that are kept; the oldest go first."""
STALE = timedelta(minutes=30)
"""A record read longer ago than this moves to the present when its page is opened anew, so that a demo left
running for days does not show a creatinine that has grown old. Project policy: longer than one visit."""


class Record:
    """All patients of the fixtures. Safe to use from several threads."""

    def __init__(self, fixtures: Path, clock: Clock) -> None:
        """Read patients and stories. Raises ``OSError`` or ``ValueError`` if they are unreadable."""
        self._clock = clock
        self._bundles = [_read(path) for path in sorted((fixtures / "patients").glob("*.json"))]
        self._stories = [_read(path) for path in sorted((fixtures / "scenarios").glob("*.question.json"))]
        self._written: dict[tuple[str, str], Resource] = {}
        self._lock = Lock()
        self._count = 0
        if not self._bundles:
            raise ValueError(f"no patients in {fixtures / 'patients'}")
        self._move_to_present()

    def open(self) -> None:
        """Somebody opens the page: bring an old record to the present again."""
        if self._clock() - self._present >= STALE:
            self._move_to_present()

    def patients(self) -> list[dict[str, Any]]:
        """Each patient's id and the line that says who that is, in the order of the stories."""
        first_told = {story["patient"]: place for place, story in reversed(list(enumerate(self._stories)))}
        last = len(self._stories)
        bundles = sorted(self._bundles, key=lambda b: first_told.get(f"patients/{b['id']}.json", last))
        return [{"id": bundle["id"], "line": bundle["meta"]["tag"][0]["display"]} for bundle in bundles]

    def stories(self, patient_id: str) -> list[dict[str, Any]]:
        """What a visitor may try with this patient: a title, what happens, and the order to write."""
        return [
            {"title": story["title"], "story": story["story"], "hook": story["hook"], "order": story["order"]}
            for story in self._moved_stories
            if story["record"] == "any"
            and story["patient"] == f"patients/{patient_id}.json"
            and story["order"]["subject"]["reference"] == f"Patient/{patient_id}"
        ]

    def resources(self, kind: str) -> Iterator[Resource]:
        """All resources of a type, what was signed here included."""
        with self._lock:
            written = dict(self._written)
        for resource in self._charted:
            if resource["resourceType"] == kind and (kind, resource["id"]) not in written:
                yield resource
        yield from (resource for (written_kind, _), resource in written.items() if written_kind == kind)

    def resource(self, kind: str, resource_id: str) -> Resource | None:
        """One resource, or None."""
        return next((r for r in self.resources(kind) if r["id"] == resource_id), None)

    def write(self, resource: Resource, resource_id: str | None = None) -> tuple[Resource, bool]:
        """Keep an order under this id or a new one; the order as kept, and whether it is new.

        Raises ``ValueError`` for what a prescriber does not write, or writes for nobody in this record.
        """
        kind = resource.get("resourceType")
        if kind not in WRITABLE:
            raise ValueError(f"this record accepts {' and '.join(sorted(WRITABLE))} only")
        subject = resource.get("subject")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if reference not in {f"Patient/{bundle['id']}" for bundle in self._bundles}:
            raise ValueError("subject must be a patient of this record")
        is_new = resource_id is None or self.resource(kind, resource_id) is None
        with self._lock:
            self._count += 1
            kept = {**resource, "id": resource_id or f"signed-{self._count}"}
            self._written.pop((kind, kept["id"]), None)
            self._written[(kind, kept["id"])] = kept
            while len(self._written) > MOST_WRITTEN:
                del self._written[next(iter(self._written))]
        return kept, is_new

    def _move_to_present(self) -> None:
        now = self._clock()
        charted: list[Resource] = []
        for bundle in self._bundles:
            read_at = datetime.fromisoformat(bundle["timestamp"])
            charted += [moved(entry["resource"], read_at, now) for entry in bundle["entry"]]
        first = datetime.fromisoformat(self._bundles[0]["timestamp"])
        self._moved_stories = [moved(story, first, now) for story in self._stories]
        self._charted, self._present = charted, now


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value
