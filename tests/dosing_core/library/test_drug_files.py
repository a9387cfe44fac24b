"""Drug files: what is in them holds, and what does not hold is refused by name and line."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from dosing_core.errors import InvalidDrugFile, UnknownDrug
from dosing_core.library import drugs, load_drug
from dosing_core.library.load import parse_drug_file


def _text(drug: str) -> str:
    return files("dosing_core.library").joinpath(f"{drug}.yaml").read_text()


def _refused(text: str, name: str = "vancomycin.yaml") -> str:
    with pytest.raises(InvalidDrugFile) as refusal:
        parse_drug_file(text, name)
    return str(refusal.value)


def test_a_drug_without_a_file_is_unknown() -> None:
    with pytest.raises(UnknownDrug):
        load_drug("amoxicillin")


def test_a_path_is_not_a_drug() -> None:
    with pytest.raises(UnknownDrug):
        load_drug("../library/vancomycin")


def test_the_library_knows_drugs_by_their_rxnorm_ingredients() -> None:
    known = {file.drug: file.identity.rxnorm for file in drugs()}

    assert known["tacrolimus"] == ("42316",)
    assert known["vancomycin"] == ("11124",)


def test_vancomycin_says_what_its_guideline_and_label_say() -> None:
    """ASHP/IDSA/PIDS/SIDP 2020 and the US label, typed in here once more."""
    file = load_drug("vancomycin")

    assert (file.targets[-1].range.low, file.targets[-1].range.high) == (400, 600)
    assert file.loading is not None
    assert (file.loading.per_kg.low, file.loading.per_kg.high, file.loading.cap.value) == (20, 35, 3000)
    assert (file.loading.obesity_per_kg.low, file.loading.obesity_per_kg.high) == (20, 25)
    assert file.limits.daily.value == 4500
    assert file.infusion is not None
    assert (file.infusion.max_rate.value, file.infusion.min_duration.value) == (10, 1)


def test_tacrolimus_says_what_cpic_and_its_cohorts_say() -> None:
    """CPIC 2015: not above 0.3 mg/kg a day. Woillard 2011: 5–10 ng/mL after the sixth week."""
    file = load_drug("tacrolimus")

    assert file.limits.daily_per_kg.value == 0.3
    assert (file.targets[-1].range.low, file.targets[-1].range.high) == (0.005, 0.010)
    assert file.display.concentration_factor == 1000


@pytest.mark.parametrize("drug", ["vancomycin", "tacrolimus"])
def test_every_policy_number_says_why(drug: str) -> None:
    found = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("confidence") == "policy":
                found.append(node["source"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load(_text(drug)))

    assert found
    assert all(source.startswith("project policy: ") and len(source) > 30 for source in found)


def test_a_number_without_a_source_is_refused_with_its_line() -> None:
    text = _text("vancomycin")
    line = next(i for i, row in enumerate(text.splitlines(), 1) if row.strip() == "max_rate:")
    broken = text.replace(
        '    source: "US label of vancomycin injection: at most 10 mg/min', '    note: "', 1
    )

    refusal = _refused(broken)

    assert "infusion.max_rate.source" in refusal
    assert refusal.startswith(f"vancomycin.yaml:{line + 1}: ")


def test_a_low_confidence_number_is_no_default() -> None:
    text = _text("vancomycin").replace("confidence: medium", "confidence: low", 1)

    assert "confidence" in _refused(text)


def test_a_number_written_as_text_is_refused() -> None:
    text = _text("vancomycin").replace("value: 4500", 'value: "4500"', 1)

    assert "limits.daily.value" in _refused(text)


def test_an_unknown_field_is_refused() -> None:
    text = _text("vancomycin").replace("limits:\n", "limits:\n  weekly: 1\n", 1)

    assert "limits.weekly" in _refused(text)


def test_a_field_given_twice_is_refused_although_yaml_would_keep_the_last() -> None:
    text = _text("vancomycin").replace(
        "  cap:\n    value: 3000", "  cap:\n    value: 3000\n    value: 9000", 1
    )

    refusal = _refused(text)

    assert "value" in refusal
    assert "twice" in refusal


def test_a_limit_below_what_may_be_proposed_is_refused() -> None:
    text = _text("vancomycin").replace(
        "most_per_dose:\n    value: 2000", "most_per_dose:\n    value: 20000", 1
    )

    assert "most_per_dose" in _refused(text)


@pytest.mark.parametrize(
    ("there", "instead", "says"),
    [
        ("    verified_by:\n", "    notes_on_verification:\n", "notes_on_verification"),
        ("value: 38.4, unit: L}", 'value: 38.4, unit: ""}', "models.0.theta.thV2.unit: obligatory"),
        (
            "citation: Goti V et al. Ther Drug Monit 2018;40(2):212–221",
            'citation: ""',
            "citation: obligatory",
        ),
    ],
)
def test_a_model_of_the_library_says_all_that_a_reviewer_needs(there: str, instead: str, says: str) -> None:
    text = _text("vancomycin")
    assert there in text

    assert says in _refused(text.replace(there, instead, 1))


def test_policy_must_be_called_policy() -> None:
    text = _text("vancomycin").replace(
        'source: "project policy: the unit', 'source: "everyone knows: the unit', 1
    )

    assert "judgement.below_weight" in _refused(text)


def test_a_file_under_another_drugs_name_is_refused() -> None:
    assert "not the file's name" in _refused(_text("vancomycin"), "gentamicin.yaml")


@pytest.mark.parametrize(
    "text", ["", "drug: [", "- 1", "drug: !!python/object:os.system x", "drug: 2026-01-01"]
)
def test_what_is_no_drug_file_is_refused_not_crashed_on(text: str) -> None:
    assert _refused(text).startswith("vancomycin.yaml")


def test_renal_limits_fall_with_creatinine_clearance() -> None:
    text = _text("meropenem")
    wrong = text.replace(
        "        value: 4000\n        unit: mg/day", "        value: 1500\n        unit: mg/day", 1
    )

    assert wrong != text
    assert "renal" in _refused(wrong, "meropenem.yaml")


def test_harm_that_decides_says_from_which_trough_on() -> None:
    text = _text("cefepime")
    start, end = text.index("harmful_troughs:"), text.index("assumptions:")

    assert "harm_weight" in _refused(text[:start] + text[end:], "cefepime.yaml")
