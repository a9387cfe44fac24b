"""Readers do not raise; should one do so, it costs its resource and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dosing_core.case import Finding
from fhir_adapters.elements import Resource, source

UNREADABLE = "an entry in the record could not be read; left out"

T = TypeVar("T")

logger = logging.getLogger(__name__)


def each(
    read: Callable[[Resource], T], resources: Iterable[Resource], about: str, findings: list[Finding]
) -> Iterator[T]:
    """What ``read`` makes of each resource; one that cannot be read is a finding about ``about``."""
    for resource in resources:
        try:
            made = read(resource)
        except Exception as error:
            logger.warning("a reader failed: %s", type(error).__name__)
            findings.append(Finding(kind="excluded", about=about, detail=UNREADABLE, source=source(resource)))
            continue
        yield made
