"""What the tests of the hook service share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hook_call import NOW, Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An open service over a ledger of its own, whose clock stands still."""
    made = Service(tmp_path, NOW)
    yield made
    made.ledger.close()
