// What the record says of a patient, at a glance: who, why here, laboratory, drug levels, doses.

import { element, shape } from "./dom.js";
import { search, query } from "./fhir.js";
import { age, ago, when } from "./when.js";

const MOST_DOSES = 3;

/** Everything that the chart shows about one patient. */
export async function readChart(patientId) {
  const about = `patient=${patientId}`;
  const [patient, observations, given, orders, conditions, encounters] = await Promise.all([
    query(`Patient/${patientId}`),
    search(`Observation?${about}&_sort=-date`),
    search(`MedicationAdministration?${about}&_sort=-effective-time`),
    search(`MedicationRequest?${about}&_sort=-authoredon`),
    search(`Condition?${about}`),
    search(`Encounter?${about}`),
  ]);
  return { patient, observations, given, orders, conditions, encounter: encounters[0] };
}

/** The line that tells a prescriber in whose chart they are. */
export function banner({ patient, observations, conditions, encounter }) {
  const name = patient.name?.[0] ?? {};
  const latest = (code) => observations.find((one) => one.code.coding?.some((coding) => coding.code === code));
  const measures = [latest("29463-7"), latest("8302-2")].filter(Boolean).map(amount);
  return element(
    "div",
    { class: "banner" },
    element("h1", { id: "h-chart" }, `${name.family}, ${(name.given ?? []).join(" ")}`),
    element("p", {}, [age(patient.birthDate), patient.gender, ...measures].join(", ")),
    element("p", { class: "quiet" }, [encounter?.serviceType?.text, ...conditions.map((one) => one.code.text)].filter(Boolean).join(" · ")),
  );
}

/** Laboratory, levels and doses. */
export function summary({ observations, given, orders }) {
  const facts = [...grouped(observations)].filter(([, values]) => values[0].valueQuantity || values[0].valueCodeableConcept);
  const drugs = new Set([...given, ...orders].map((one) => one.medicationCodeableConcept?.text?.toLowerCase()));
  const levels = facts.filter(([name]) => /level|trough|peak/i.test(name) || drugs.has(name?.toLowerCase()));
  const labs = facts.filter((fact) => !levels.includes(fact));
  const active = orders.filter((one) => one.status === "active");
  return [
    panel("Laboratory and measurements", labs.map(series)),
    panel("Drug levels", levels.flatMap(([name, values]) => values.map((one) => line(name, amount(one), one.effectiveDateTime)))),
    panel(`Doses given (${given.length})`, [
      ...given.slice(0, MOST_DOSES).map((one) =>
        line(one.medicationCodeableConcept?.text, dose(one.dosage), one.effectiveDateTime ?? one.effectivePeriod?.start),
      ),
      given.length > MOST_DOSES ? element("li", { class: "quiet" }, `and ${given.length - MOST_DOSES} before`) : null,
    ]),
    panel("Active orders", active.map((one) =>
      element("li", {}, element("b", {}, one.medicationCodeableConcept?.text ?? "order"), " ", (one.dosageInstruction ?? []).map((each) => each.text).filter(Boolean).join("; ")),
    )),
  ];
}

function grouped(observations) {
  const groups = new Map();
  for (const one of observations) {
    const name = one.code.text ?? one.code.coding?.[0]?.display;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return groups;
}

function panel(title, items) {
  const shown = items.filter(Boolean);
  return element(
    "section",
    { class: "panel", "aria-label": title },
    element("h2", {}, title),
    shown.length ? element("ul", {}, shown) : element("p", { class: "quiet" }, "none on record"),
  );
}

function series([name, values]) {
  const numbers = values.map((one) => one.valueQuantity?.value).filter((value) => value !== undefined).reverse();
  const earlier = numbers.slice(0, -1);
  return element(
    "li",
    {},
    element("b", {}, name),
    element("span", { class: "value" }, amount(values[0])),
    numbers.length > 1 ? spark(numbers) : null,
    element("span", { class: "quiet" }, ago(values[0].effectiveDateTime), earlier.length ? `, before: ${earlier.slice(-4).join(", ")}` : ""),
  );
}

function line(name, value, time) {
  return element(
    "li",
    {},
    element("b", {}, name ?? ""),
    element("span", { class: "value" }, value),
    element("span", { class: "quiet" }, time ? `${when(time)}, ${ago(time)}` : "time not charted"),
  );
}

function amount(observation) {
  const { value, unit, code } = observation.valueQuantity ?? {};
  return value === undefined ? observation.valueCodeableConcept?.text ?? "" : `${value} ${unit ?? code ?? ""}`;
}

function dose(dosage) {
  const { value, unit, code } = dosage?.dose ?? {};
  return value === undefined ? "" : `${value.toLocaleString("en-GB")} ${unit ?? code}`;
}

/** The course of a value as a small line; the numbers stand beside it. */
function spark(numbers) {
  const low = Math.min(...numbers);
  const spread = Math.max(...numbers) - low || 1;
  const points = numbers.map((value, i) => `${(2 + (i * 44) / (numbers.length - 1)).toFixed(1)},${(14 - ((value - low) / spread) * 12).toFixed(1)}`);
  return shape("svg", { class: "spark", viewBox: "0 0 48 16", width: "48", height: "16", "aria-hidden": "true" }, shape("polyline", { points: points.join(" ") }));
}
