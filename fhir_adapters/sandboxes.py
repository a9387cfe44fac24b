"""Public FHIR servers for trials: where they are, what they want, what is peculiar about them."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_adapters.quirks import QUIRKS, Quirks


@dataclass(frozen=True)
class Sandbox:
    """One public server. Nothing personal may ever be written to it: anybody can read it."""

    name: str
    base_url: str
    quirks: Quirks
    needs: str
    """What is needed before anything is answered: nothing, or a registration."""
    writes: bool
    """Whether sample patients can be put there without an account."""
    about: str
    """What to know, from its documentation or its public issues."""


SANDBOXES: tuple[Sandbox, ...] = (
    Sandbox(
        "hapi",
        "http://hapi.fhir.org/baseR4",
        QUIRKS["hapi"],
        "nothing",
        True,
        "Anybody's test data; purged now and then. Links to further pages are cached searches that expire.",
    ),
    Sandbox(
        "smart-health-it",
        "https://r4.smarthealthit.org",
        QUIRKS["smart-health-it"],
        "nothing",
        False,
        "Synthetic patients. The launcher (launch.smarthealthit.org) simulates SMART in front of it. 429 is "
        "possible.",
    ),
    Sandbox(
        "epic",
        "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4",
        QUIRKS["epic"],
        "a registered client with a key (SMART Backend Services)",
        False,
        "Observation wants a category or a code beside the patient, else 400; other parameters filter after "
        "the search.",
    ),
    Sandbox(
        "oracle-open",
        "https://fhir-open.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d",
        QUIRKS["oracle"],
        "nothing",
        False,
        "Reads only. No _include; effective-time wants a prefix and a time; infusions carry the strength of "
        "each ingredient.",
    ),
    Sandbox(
        "medplum",
        "https://api.medplum.com/fhir/R4",
        QUIRKS["medplum"],
        "a project of one's own with client credentials",
        True,
        "Twenty resources a page unless asked for more, a thousand at most.",
    ),
    Sandbox(
        "firely",
        "https://server.fire.ly",
        QUIRKS["plain"],
        "nothing",
        True,
        "For testing and teaching; the media type's fhirVersion picks STU3, R4 or R5.",
    ),
    Sandbox(
        "fhir-candle",
        "https://subscriptions.argo.run/fhir/r4",
        QUIRKS["plain"],
        "nothing",
        True,
        "A reference server for subscriptions; also r4b and r5.",
    ),
)
"""From the servers' documentation and public issue trackers, read in November 2026; none was contacted."""


def sandbox_at(address: str) -> Sandbox | None:
    """The sandbox by its name or base URL; None if it is none of these."""
    plain = address.rstrip("/")
    return next((one for one in SANDBOXES if plain in (one.name, one.base_url)), None)
