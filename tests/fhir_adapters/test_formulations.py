"""The right drug in another formulation is named as that: its doses are none of the drug file's product."""

from __future__ import annotations

import pytest
from charting import PATIENT, RXNORM, instruction, request

from fhir_adapters.order import read_order

TWICE = instruction(500, 12, None, route={"text": "oral"})


@pytest.mark.parametrize(
    ("medication", "drug", "said"),
    [
        ({"text": "Myfortic 360 mg tablet"}, "mycophenolate", "enteric-coated mycophenolate sodium"),
        ({"text": "mycophenolate sodium"}, "mycophenolate", "enteric-coated mycophenolate sodium"),
        ({"coding": [{"system": RXNORM, "code": "7145"}]}, "mycophenolate", "enteric-coated"),
        ({"text": "Sandimmune 100 mg capsule"}, "ciclosporin", "no microemulsion"),
        ({"text": "cyclosporine, non-modified"}, "ciclosporin", "no microemulsion"),
        ({"text": "tacrolimus prolonged-release"}, "tacrolimus", "prolonged-release"),
        ({"text": "lithium citrate 8 mEq/5 mL oral solution"}, "lithium", "another salt"),
        ({"text": "lithium carbonate 300 MG Extended Release Oral Tablet"}, "lithium", "prolonged-release"),
        ({"text": "phenytoin 25 MG/ML Oral Suspension"}, "phenytoin", "the acid"),
        ({"text": "Theophylline in dextrose 5 %"}, "theophylline", "theophylline itself"),
        ({"coding": [{"system": RXNORM, "code": "10438"}]}, "theophylline", "theophylline itself"),
        ({"text": "divalproex sodium 250 MG Delayed Release"}, "valproate", "divalproex"),
        ({"text": "Tegretol Retard 200 mg"}, "carbamazepine", "prolonged-release"),
    ],
)
def test_another_formulation_is_refused_with_its_reason(
    medication: dict[str, object], drug: str, said: str
) -> None:
    read = read_order(request(TWICE, medicationCodeableConcept=medication), patient_id=PATIENT)

    assert (read.drug, read.other_product, read.order.regimen) == (drug, True, None)
    assert any(said in finding.detail for finding in read.findings)


@pytest.mark.parametrize(
    ("name", "drug"),
    [
        ("Sandimmun Neoral 100 mg", "ciclosporin"),
        ("cyclosporine modified (Gengraf)", "ciclosporin"),
        ("CellCept", "mycophenolate"),
        ("mycophenolate mofetil 500 mg tablet", "mycophenolate"),
        ("lithium carbonate 300 MG Oral Capsule", "lithium"),
        ("phenytoin sodium 100 MG Extended Release Oral Capsule", "phenytoin"),
        ("aminophylline (theophylline ethylenediamine)", "theophylline"),
        ("Lanoxin 62.5 micrograms tablets", "digoxin"),
    ],
)
def test_the_file_s_own_formulation_is_read(name: str, drug: str) -> None:
    order = request(TWICE, medicationCodeableConcept={"text": name})
    read = read_order(order, patient_id=PATIENT)

    assert (read.drug, read.other_product) == (drug, False)
    assert read.order.regimen is not None
