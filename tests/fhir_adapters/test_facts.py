"""Reading who the patient is, genotypes and conditions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from charting import NOW, PATIENT, SNOMED, instruction, patient, prefetched, request

from dosing_core.case import Case
from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order
from fhir_adapters.patient import age_years


def chart(**keys: Any) -> PatientChart:
    return gather(PATIENT, "tacrolimus", prefetched(**keys), None, NOW)


def case(person: dict[str, Any] | None) -> Case:
    read = gather(PATIENT, "vancomycin", prefetched(patient=person), None, NOW)
    return to_case(read, read_order(request(instruction()), patient_id=PATIENT), NOW)


def kinds(read: PatientChart | Case, about: str) -> list[str]:
    return [finding.kind for finding in read.findings if finding.about == about]


# the patient


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1966-03-01", 60),
        ("1966-11-24", 60),
        ("1966-11-25", 59),
        ("1966", 60),
        ("1966-11", 60),
        ("1966-12", 59),
    ],
)
def test_age_is_in_completed_years(born: str, age: float) -> None:
    assert case(patient(birthDate=born)).subject.age_years == age


def test_a_coarse_date_of_birth_is_said() -> None:
    assert kinds(case(patient(birthDate="1966")), "age") == ["note"]
    assert kinds(case(patient()), "age") == []


def test_months_matter_in_children() -> None:
    assert age_years(date(2025, 5, 24), date(2026, 11, 24)) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    "born", ["", "last year", "1966-13-01", "2027-01-01", "1890-01-01", "1895-01-01", None, 1966]
)
def test_a_date_of_birth_that_cannot_be_true_is_none(born: Any) -> None:
    read = case(patient(birthDate=born))

    assert read.subject.age_years is None
    assert kinds(read, "age")


@pytest.mark.parametrize(
    ("gender", "sex"), [("female", "female"), ("male", "male"), ("other", None), ("F", None)]
)
def test_only_two_words_name_a_sex(gender: str, sex: str | None) -> None:
    read = case(patient(gender=gender))

    assert read.subject.sex == sex
    assert bool(kinds(read, "sex")) is (sex is None)


def test_another_patient_is_nobody() -> None:
    read = case(patient(id="somebody-else"))

    assert (read.subject.age_years, read.subject.sex) == (None, None)
    assert "excluded" in kinds(read, "age")


def test_a_patient_without_data_leaves_gaps_that_are_named() -> None:
    read = case(None)

    assert kinds(read, "age") == ["missing"]
    assert kinds(read, "sex") == ["missing"]


# genotypes


def genotype(value: dict[str, Any], gene: str | None = "HGNC:2638", **members: Any) -> dict[str, Any]:
    component = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "48018-6"}]},
            "valueCodeableConcept": {"coding": [{"system": "http://www.genenames.org", "code": gene}]},
        }
    ]
    return {
        "resourceType": "Observation",
        "id": "g1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "84413-4"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-09-30",
        "component": component if gene else [],
    } | value | members  # fmt: skip


def genotypes(*found: dict[str, Any]) -> PatientChart:
    return chart(genotypes={"resourceType": "Bundle", "entry": [{"resource": one} for one in found]})


@pytest.mark.parametrize(
    ("value", "gene"),
    [
        ({"valueCodeableConcept": {"text": "CYP3A5 *1/*3"}}, "HGNC:2638"),
        ({"valueCodeableConcept": {"text": "*3/*1"}}, "HGNC:2638"),
        ({"valueCodeableConcept": {"coding": [{"code": "1", "display": "CYP3A5*1/*3"}]}}, "HGNC:2638"),
        ({"valueString": "*1/*3"}, "HGNC:2638"),
        ({"valueCodeableConcept": {"text": "CYP3A5*1/*3"}}, None),
    ],
)
def test_a_diplotype_is_read_from_text_or_display(value: dict[str, Any], gene: str | None) -> None:
    """The shapes of the HL7 genomics examples: value as text, as display of a code, or as a string."""
    (read,) = genotypes(genotype(value, gene)).genotypes

    assert (read.gene, read.diplotype) == ("CYP3A5", "*1/*3")


@pytest.mark.parametrize(
    ("value", "gene"),
    [
        ({"valueCodeableConcept": {"text": "CYP2C19 *1/*3"}}, None),
        ({"valueCodeableConcept": {"text": "*1/*3"}}, "HGNC:2621"),  # CYP2C19
        ({"valueCodeableConcept": {"text": "CYP3A5 *1/*3"}}, "HGNC:2621"),
        ({"valueCodeableConcept": {"text": "*1/*3"}}, None),
    ],
)
def test_another_gene_is_not_read_as_this_one(value: dict[str, Any], gene: str | None) -> None:
    """Other genes are read too, as themselves."""
    read = genotypes(genotype(value, gene)).genotypes

    assert not any(one.gene == "CYP3A5" for one in read)


@pytest.mark.parametrize(
    "change",
    [
        {"valueCodeableConcept": {"text": "CYP3A5 unknown"}},
        {"valueCodeableConcept": {"text": "CYP3A5 *1/*3 or *1/*6"}},
        {"valueCodeableConcept": {"text": "CYP3A5 *1/*99.001"}},
        {"valueCodeableConcept": {"text": "CYP3A5 *1/*3/*6"}},
        {"status": "preliminary"},
        {"status": "entered-in-error"},
        {"subject": {"reference": "Patient/somebody-else"}},
    ],
)
def test_a_genotype_in_doubt_is_left_out_and_that_is_said(change: dict[str, Any]) -> None:
    read = genotypes(genotype({"valueCodeableConcept": {"text": "CYP3A5 *1/*3"}}, **change))

    assert read.genotypes == ()
    assert kinds(read, "genotypes") == ["excluded"]


def test_a_phenotype_in_words_is_a_phenotype_and_no_genotype() -> None:
    read = genotypes(genotype({"valueCodeableConcept": {"text": "CYP3A5 intermediate"}}))

    assert read.genotypes == ()
    assert [(one.gene, one.phenotype) for one in read.phenotypes] == [("CYP3A5", "Intermediate Metabolizer")]


def test_a_sub_allele_is_read_as_its_star_allele_and_that_is_said() -> None:
    """PharmVar's sub-alleles share the function of their star allele."""
    read = genotypes(genotype({"valueCodeableConcept": {"text": "CYP3A5 *1/*3.001"}}))

    assert [one.diplotype for one in read.genotypes] == ["*1/*3"]
    assert kinds(read, "genotypes") == ["note"]


def test_two_reports_that_differ_are_a_contradiction() -> None:
    one = genotype({"valueCodeableConcept": {"text": "CYP3A5 *1/*3"}})
    other = genotype({"valueCodeableConcept": {"text": "CYP3A5 *3/*3"}}, id="g2")
    read = genotypes(one, other)

    assert read.genotypes == ()
    assert kinds(read, "genotypes") == ["conflict"]
    assert len(genotypes(one, one | {"id": "g2"}).genotypes) == 1


def test_the_newest_of_two_reports_wins_and_the_other_is_shown() -> None:
    old = genotype({"valueCodeableConcept": {"text": "CYP3A5 *1/*3"}}, effectiveDateTime="2019-03-01")
    new = genotype({"valueCodeableConcept": {"text": "CYP3A5 *3/*3"}}, id="g2")
    read = genotypes(old, new)

    assert [one.diplotype for one in read.genotypes] == ["*3/*3"]
    assert kinds(read, "genotypes") == ["conflict"]


# conditions

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def conditions(code: str, system: str = ICD, **members: Any) -> PatientChart:
    resource = {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "onsetDateTime": "2026-10-06T11:30:00Z",
    } | members
    return chart(conditions={"resourceType": "Bundle", "entry": [{"resource": resource}]})


@pytest.mark.parametrize(
    ("code", "system", "names"),
    [
        ("Z94.0", ICD, ["kidney_transplant"]),
        ("Z94.0", "http://hl7.org/fhir/sid/icd-10", ["kidney_transplant"]),
        ("T86.11", ICD, ["kidney_transplant"]),
        ("Z94.4", ICD, ["liver_transplant"]),
        ("Z94.3", ICD, ["heart_transplant", "lung_transplant"]),
        ("Z99.2", ICD, ["haemodialysis"]),
        ("Z49.31", ICD, ["haemodialysis"]),
        ("714749008", SNOMED, ["crrt"]),
        ("737295003", SNOMED, ["kidney_transplant"]),
        ("265764009", SNOMED, ["haemodialysis"]),
        ("105502003", SNOMED, ["haemodialysis"]),
        ("714152005", SNOMED, ["haemodialysis"]),
        ("233585000", SNOMED, ["crrt"]),
        ("Z94.81", ICD, ["stem_cell_transplant"]),
        ("N18.4", ICD, []),
        ("Z94.0", SNOMED, []),
    ],
)
def test_conditions_that_decide_about_models_are_known_by_code(
    code: str, system: str, names: list[str]
) -> None:
    assert [one.name for one in conditions(code, system).conditions] == names


@pytest.mark.parametrize(
    "change",
    [
        {"clinicalStatus": {"coding": [{"code": "resolved"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"abatementDateTime": "2026-11-01"},
        {"subject": {"reference": "Patient/somebody-else"}},
    ],
)
def test_a_condition_that_does_not_hold_does_not_count(change: dict[str, Any]) -> None:
    assert conditions("Z99.2", **change).conditions == ()


def test_a_condition_without_a_state_counts() -> None:
    """Whether dialysis still goes on is then in doubt, and doubt must not clear the patient for a model."""
    assert len(conditions("Z99.2", clinicalStatus=None).conditions) == 1


def test_the_day_of_the_transplantation_is_kept() -> None:
    (read,) = conditions("Z94.0").conditions

    assert read.time is not None
    assert read.time.isoformat() == "2026-10-06T11:30:00+00:00"


def spoken(text: str, *others: dict[str, Any], **members: Any) -> PatientChart:
    resource = {
        "resourceType": "Condition",
        "id": "c2",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": text},
        "subject": {"reference": f"Patient/{PATIENT}"},
    } | members
    entries = [{"resource": one} for one in (resource, *others)]
    return chart(conditions={"resourceType": "Bundle", "entry": entries})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Haemodialysis", "haemodialysis"),
        ("ESRD on hemodialysis MWF", "haemodialysis"),
        ("AKI requiring dialysis", "haemodialysis"),
        ("CRRT", "crrt"),
        ("Septic shock, CVVH", "crrt"),
        ("Continuous renal replacement therapy", "crrt"),
    ],
)
def test_renal_replacement_is_read_from_words_and_that_is_said(text: str, name: str) -> None:
    """Not to see it would dose the patient as one whose kidneys work."""
    read = spoken(text)

    assert [one.name for one in read.conditions] == [name]
    assert kinds(read, "conditions") == ["note"]


@pytest.mark.parametrize("text", ["CKD stage 5, pre-dialysis", "predialysis counselling", "Cellulitis"])
def test_words_that_only_sound_like_dialysis_are_none(text: str) -> None:
    read = spoken(text)

    assert read.conditions == ()
    assert kinds(read, "conditions") == []


@pytest.mark.parametrize(
    "text", ["Dialysis not tolerated", "History of haemodialysis", "Fistula for dialysis"]
)
def test_words_that_leave_dialysis_open_are_a_contradiction(text: str) -> None:
    read = spoken(text)

    assert read.conditions == ()
    assert kinds(read, "conditions") == ["conflict"]


def test_words_that_deny_dialysis_are_believed_and_that_is_said() -> None:
    read = spoken("CKD stage 5, not on dialysis")

    assert read.conditions == ()
    assert kinds(read, "conditions") == ["note"]


def test_words_do_not_count_in_a_condition_that_is_over() -> None:
    assert spoken("Haemodialysis", clinicalStatus={"coding": [{"code": "resolved"}]}).conditions == ()


def test_n18_6_is_dialysis_by_its_definition_and_that_is_said() -> None:
    """ICD-10-CM: "chronic kidney disease requiring chronic dialysis"."""
    read = conditions("N18.6")

    assert [one.name for one in read.conditions] == ["haemodialysis"]
    assert kinds(read, "conditions") == ["note"]


@pytest.mark.parametrize("code", [{"coding": [{"system": SNOMED, "code": "46177005"}]}, {"text": "ESRD"}])
def test_an_end_stage_kidney_disease_without_dialysis_is_to_be_settled(code: dict[str, Any]) -> None:
    read = spoken("", code=code)

    assert read.conditions == ()
    assert kinds(read, "conditions") == ["conflict"]


@pytest.mark.parametrize("settled", ["Z99.2", "Z94.0"])
def test_dialysis_or_a_transplant_settles_an_end_stage_kidney_disease(settled: str) -> None:
    known = {
        "resourceType": "Condition",
        "id": "c3",
        "code": {"coding": [{"system": ICD, "code": settled}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
    }
    read = spoken("", known, code={"coding": [{"system": ICD, "code": "N18.6"}]})

    assert [one.source for one in read.conditions] == ["Condition/c3"]
    assert kinds(read, "conditions") == []
