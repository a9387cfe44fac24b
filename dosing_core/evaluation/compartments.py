"""Which way in a dose takes and which output a level is of, by the numbers that a dataset gives them."""

from __future__ import annotations

from dosing_core.case import Route
from dosing_core.errors import InvalidDataset
from dosing_core.evaluation.records import MODELLED_DURATION, MODELLED_RATE, DoseRecord, Sample
from dosing_core.population.form import FamilyStructure
from dosing_core.population.individual import Individual
from dosing_core.population.model import PopulationModel
from dosing_core.population.system import Output, System

CENTRAL_OF_ORAL, DEPOT = 2, 1
"""Of a closed form, as in NONMEM's ADVAN2 and ADVAN4; without absorption the central one is 1."""


def through_depot(model: PopulationModel, individual: Individual, record: DoseRecord) -> bool:
    """True if the dose enters through a depot. Raises ``InvalidDataset`` where there is no way in."""
    structure = individual.structure
    depot = (
        _oral_of_system(model, structure, record)
        if isinstance(structure, System)
        else _oral_of_structure(model, record)
    )
    modelled = isinstance(structure, System) and any(
        entry.duration is not None for entry in structure.ways_in(depot)
    )
    if record.rate == MODELLED_RATE:
        raise InvalidDataset(
            record.row,
            "RATE",
            "-1 asks the model for the rate of the dose; a model gives a duration only (RATE -2)",
        )
    if record.rate == MODELLED_DURATION and not modelled:
        raise InvalidDataset(
            record.row, "RATE", "-2 asks the model for the duration of the dose, and it gives none"
        )
    if record.rate != MODELLED_DURATION and modelled:
        raise InvalidDataset(
            record.row, "RATE", "the model says how long this dose takes to enter, so RATE must be -2"
        )
    if depot and record.rate > 0 and not isinstance(structure, System):
        raise InvalidDataset(
            record.row, "RATE", "zero-order input into the depot is not supported by this model's structure"
        )
    return depot


def _oral_of_structure(model: PopulationModel, record: DoseRecord) -> bool:
    routes, number = _routes(model), record.compartment
    if not _absorbs(model):
        if number not in (None, 1):
            raise InvalidDataset(record.row, "CMT", f"{number}: the model has doses into compartment 1 only")
        return False
    if number is None:
        if "iv" in routes:
            raise InvalidDataset(
                record.row, "CMT", f"missing: the model has doses into {DEPOT} (depot) and {CENTRAL_OF_ORAL}"
            )
        return True
    if number == DEPOT:
        return True
    if number == CENTRAL_OF_ORAL and "iv" in routes:
        return False
    raise InvalidDataset(
        record.row, "CMT", f"{number}: the model's doses are {' and '.join(routes)} ({DEPOT} is the depot)"
    )


def _routes(model: PopulationModel) -> tuple[Route, ...]:
    """Of a closed form, which only a family's parts give."""
    return model.structure.routes if isinstance(model.structure, FamilyStructure) else ()


def _absorbs(model: PopulationModel) -> bool:
    """True if a closed form has a depot, whatever its route."""
    return any(route != "iv" for route in _routes(model))


def numbered(model: PopulationModel, system: System) -> tuple[str, ...]:
    """States in the order of their compartment numbers, which begin at 1.

    Equations of a model file: as they stand there. A family: as in NONMEM's ADVANs, the one that doses by
    mouth enter first, then the central one and the rest.
    """
    if not isinstance(model.structure, FamilyStructure):
        return system.states
    first = [system.states[entry.state] for entry in system.ways_in(depot=True)[:1]]
    return (*first, *(state for state in system.states if state not in first))


def _oral_of_system(model: PopulationModel, system: System, record: DoseRecord) -> bool:
    """By the state that the first entry of a route fills; a route's other entries are the model's own."""
    states = numbered(model, system)
    first = {entry.route: 1 + states.index(system.states[entry.state]) for entry in reversed(system.entries)}
    ways = ", ".join(f"{number} ({states[number - 1]}, {route})" for route, number in first.items())
    if record.compartment is None:
        if len(set(first.values())) > 1:
            raise InvalidDataset(record.row, "CMT", f"missing: the model has doses into {ways}")
        return "iv" not in first
    for route, number in first.items():
        if number == record.compartment:
            return route != "iv"
    raise InvalidDataset(record.row, "CMT", f"{record.compartment}: the model has doses into {ways}")


def output_of(model: PopulationModel, individual: Individual, sample: Sample) -> int:
    """Place of the output that is measured: by DVID if given, else by CMT, else the first.

    CMT is the number of a state; its output is the one that reads this state and no other, or the only one
    that reads it at all. Raises ``InvalidDataset`` where there is none.
    """
    structure = individual.structure
    if not isinstance(structure, System):
        central = CENTRAL_OF_ORAL if _absorbs(model) else 1
        if sample.compartment not in (None, central):
            raise InvalidDataset(
                sample.row,
                "CMT",
                f"{sample.compartment} is not the central compartment ({central}), where levels are measured",
            )
        if sample.analyte not in (None, 1):
            raise InvalidDataset(sample.row, "DVID", f"{sample.analyte}: the model has one output, number 1")
        return 0
    count = len(structure.outputs)
    if sample.analyte is not None:
        if sample.analyte > count:
            names = ", ".join(f"{k} {output.name}" for k, output in enumerate(structure.outputs, start=1))
            raise InvalidDataset(sample.row, "DVID", f"{sample.analyte}: the model's outputs are {names}")
        return sample.analyte - 1
    if sample.compartment is None:
        return 0
    return _output_of_state(numbered(model, structure), structure.outputs, sample)


def _output_of_state(states: tuple[str, ...], outputs: tuple[Output, ...], sample: Sample) -> int:
    number = sample.compartment or 0
    own = [[state for state in states if state in output.value.names] for output in outputs]
    if number <= len(states):
        state = states[number - 1]
        alone = [place for place, read in enumerate(own) if read == [state]]
        among = [place for place, read in enumerate(own) if state in read]
        if alone or len(among) == 1:
            return (alone or among)[0]
    can = ", ".join(
        f"{states.index(read[0]) + 1} ({output.name})"
        for read, output in zip(own, outputs, strict=True)
        if len(read) == 1
    )
    raise InvalidDataset(
        sample.row,
        "CMT",
        f"{number}: which output is meant is not clear; " + (f"there is {can}" if can else "give DVID"),
    )
