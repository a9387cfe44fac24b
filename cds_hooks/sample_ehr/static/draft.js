// The order being written: a FHIR MedicationRequest, and the fields of the form that show and change it.

const UCUM = "http://unitsofmeasure.org";
const RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm";
const INTRAVENOUS = { coding: [{ system: "http://snomed.info/sct", code: "47625008", display: "Intravenous route" }], text: "Intravenous" };
const ORAL = { coding: [{ system: "http://snomed.info/sct", code: "26643006", display: "Oral route" }], text: "Oral" };

export const DRUGS = {
  vancomycin: { label: "Vancomycin", form: "infusion", code: "11124", route: INTRAVENOUS, units: ["mg", "g"] },
  tacrolimus: { label: "Tacrolimus", form: "by mouth", code: "42316", route: ORAL, units: ["mg", "mcg", "tablet"] },
  amoxicillin: { label: "Amoxicillin", form: "by mouth", code: "723", route: ORAL, units: ["mg", "g", "tablet"] },
};
export const INTERVALS = [4, 6, 8, 12, 18, 24, 36, 48, 72];

/** A new order without anything but its drug. */
export function draft(drug, patientId, encounterId, id) {
  const order = {
    resourceType: "MedicationRequest",
    id,
    status: "draft",
    intent: "order",
    medicationCodeableConcept: { coding: [{ system: RXNORM, code: DRUGS[drug].code, display: drug }], text: drug },
    subject: { reference: `Patient/${patientId}` },
    authoredOn: new Date().toISOString(),
  };
  return encounterId ? { ...order, encounter: { reference: `Encounter/${encounterId}` } } : order;
}

/** Which of the form's drugs an order is for. */
export function drugOf(order) {
  const codes = (order?.medicationCodeableConcept?.coding ?? []).map((coding) => coding.code);
  return Object.keys(DRUGS).find((drug) => codes.includes(DRUGS[drug].code)) ?? null;
}

/** Whether an instruction is for a single dose, such as a loading dose. */
export function isOnce(instruction) {
  const { repeat, event } = instruction.timing ?? {};
  return repeat?.count === 1 || (Boolean(event) && !repeat?.period);
}

function repeating(order) {
  const all = order?.dosageInstruction ?? [];
  return all.find((one) => !isOnce(one)) ?? (all.length === 1 && isOnce(all[0]) ? undefined : all.at(-1));
}

/** The single doses that go before the repeating one. */
export function firstDoses(order) {
  return (order?.dosageInstruction ?? []).filter((one) => isOnce(one) && one !== repeating(order));
}

const HOURS = { min: 1 / 60, h: 1, d: 24, wk: 168 };

/** The fields of the form for this order; what is not written is "". */
export function fields(order) {
  const instruction = repeating(order) ?? {};
  const quantity = instruction.doseAndRate?.[0]?.doseQuantity ?? {};
  const repeat = instruction.timing?.repeat ?? {};
  const period = repeat.period * HOURS[repeat.periodUnit];
  const duration = repeat.duration * HOURS[repeat.durationUnit];
  return {
    dose: quantity.value ?? "",
    unit: quantity.code ?? quantity.unit ?? "",
    interval: period ? round(period / (repeat.frequency ?? 1)) : "",
    duration: duration ? round(duration) : "",
    start: repeat.boundsPeriod?.start ? new Date(repeat.boundsPeriod.start).toISOString().slice(0, 16) : "",
  };
}

/** The order with these fields written into it. All else that it holds stays. */
export function written(order, { dose, unit, interval, duration, start }) {
  const drug = DRUGS[drugOf(order)];
  const old = repeating(order) ?? {};
  const once = firstDoses(order);
  const { repeat: before = {}, ...timing } = old.timing ?? {};
  const repeat = { ...before };
  for (const name of ["frequency", "period", "periodUnit", "duration", "durationUnit", "boundsPeriod"]) delete repeat[name];
  if (start) repeat.boundsPeriod = { start: `${start}:00Z` };
  if (duration) Object.assign(repeat, { duration: Number(duration), durationUnit: "h" });
  if (interval) Object.assign(repeat, { frequency: 1, period: Number(interval), periodUnit: "h" });
  const instruction = { ...old, route: drug.route };
  delete instruction.timing;
  delete instruction.doseAndRate;
  if (Object.keys(repeat).length) instruction.timing = { ...timing, repeat };
  if (dose !== "") instruction.doseAndRate = [{ ...(old.doseAndRate?.[0] ?? {}), doseQuantity: quantity(dose, unit) }];
  delete instruction.text;
  instruction.text = told(instruction);
  const isEmpty = dose === "" && !interval && !duration && !start;
  const all = isEmpty ? once : [...once, instruction];
  const changed = { ...order, dosageInstruction: all };
  if (!all.length) delete changed.dosageInstruction;
  return changed;
}

function quantity(dose, unit) {
  const value = Number(dose);
  return unit === "tablet" ? { value, unit } : { value, unit, system: UCUM, code: unit === "mcg" ? "ug" : unit };
}

/** The order without its loading dose. */
export function withoutFirstDoses(order) {
  const instruction = repeating(order);
  return { ...order, dosageInstruction: instruction ? [instruction] : [] };
}

/** One instruction in words, from its parts. */
export function told(instruction) {
  const { value, unit, code } = instruction.doseAndRate?.[0]?.doseQuantity ?? {};
  const repeat = instruction.timing?.repeat ?? {};
  const hours = round((repeat.period * HOURS[repeat.periodUnit]) / (repeat.frequency ?? 1));
  const length = round(repeat.duration * HOURS[repeat.durationUnit]);
  const name = unit === "tablet" && value !== 1 ? "tablets" : unit ?? code;
  const once = isOnce(instruction);
  const parts = [
    value === undefined ? "no dose yet" : `${value.toLocaleString("en-GB")} ${name}`,
    { 47625008: "intravenously", 26643006: "by mouth" }[instruction.route?.coding?.[0]?.code],
    once ? "once" : hours ? `every ${hours} h` : "no interval yet",
    repeat.boundsPeriod?.start ? `from ${repeat.boundsPeriod.start.slice(0, 16).replace("T", " ")}` : "",
  ].filter(Boolean).join(" ");
  return length ? `${parts}, ${once ? "" : "each "}over ${length} h` : parts;
}

function round(hours) {
  return Math.round(hours * 100) / 100;
}
