// The way of an order through the page: patient, chart, draft, order-select, order-sign, signed.

import { byGravity, cardElement } from "./cards.js";
import { banner, readChart, summary } from "./chart.js";
import { discover, fire, report } from "./client.js";
import { element } from "./dom.js";
import { DRUGS, INTERVALS, draft, drugOf, fields, firstDoses, told, withoutFirstDoses, written } from "./draft.js";
import { create, update } from "./fhir.js";
import { note, showExchange } from "./journal.js";

const PAUSE = 450; // milliseconds without typing before order-select fires
const USER = "Practitioner/sample-prescriber";

const $ = (id) => document.getElementById(id);
const form = $("form");
const state = { patientId: null, chart: null, order: null, extra: [], count: 0, turn: 0, timer: 0 };

// --- patient ---------------------------------------------------------------------------------------------------------

async function choosePatient(patientId) {
  for (const button of document.querySelectorAll("[data-patient]"))
    button.setAttribute("aria-pressed", button.dataset.patient === patientId);
  state.patientId = patientId;
  clearOrder();
  await Promise.all([showChart(), showStories()]);
  $("welcome").hidden = true;
  for (const id of ["chart", "order", "advice", "recorded"]) $(id).hidden = false;
  history.replaceState(null, "", `#${patientId}`);
}

async function showChart() {
  const asked = state.patientId;
  const chart = await readChart(asked);
  if (asked !== state.patientId) return; // another patient was chosen meanwhile
  state.chart = chart;
  $("banner").replaceChildren(banner(state.chart));
  $("summary").replaceChildren(...summary(state.chart));
}

async function showStories() {
  const asked = state.patientId;
  const stories = await (await fetch(`/stories/${asked}`)).json();
  if (asked !== state.patientId) return;
  $("stories").replaceChildren(
    ...stories.map((story) =>
      element("button", { type: "button", title: story.story, click: () => tell(story) }, story.title),
    ),
  );
  if (stories.length) $("stories").prepend(element("span", {}, "Try: "));
}

function tell(story) {
  clearOrder();
  const authoredOn = new Date().toISOString();
  takeOrder({ ...story.order, id: nextId(), authoredOn });
  selectSoon(0);
}

// --- order -----------------------------------------------------------------------------------------------------------

function nextId() {
  state.count += 1;
  return `draft-${state.count}`;
}

function clearOrder() {
  forgetAnswers();
  state.extra = [];
  takeOrder(null);
  say("Choose a drug: advice on the order appears here.");
}

function takeOrder(order) {
  state.order = order;
  showOrder();
}

/** Writes the order into the form. */
function showOrder() {
  const drug = drugOf(state.order);
  for (const choice of form.elements.drug) choice.checked = choice.value === drug;
  form.classList.toggle("empty", !drug);
  form.querySelector(".iv").hidden = drug !== "vancomycin";
  const units = DRUGS[drug]?.units ?? ["mg"];
  const now = fields(state.order);
  const unit = { ug: "mcg", "{tablet}": "tablet", "{tbl}": "tablet", tablets: "tablet" }[now.unit] ?? now.unit;
  form.elements.unit.replaceChildren(...[...new Set([...units, unit].filter(Boolean))].map((one) => element("option", { value: one }, one === "tablet" ? "tablets" : one)));
  const intervals = [...new Set([...INTERVALS, Number(now.interval)].filter(Boolean))].sort((a, b) => a - b);
  form.elements.interval.replaceChildren(
    element("option", { value: "" }, "–"),
    ...intervals.map((hours) => element("option", { value: hours }, `${hours} h`)),
  );
  Object.assign(form.elements.unit, { value: unit || units[0] });
  for (const name of ["dose", "interval", "duration", "start"]) form.elements[name].value = now[name];
  showWritten();
}

/** The order in words, with what goes before it and beside it. */
function showWritten() {
  $("sign").disabled = !state.order;
  $("discard").disabled = !state.order;
  const lines = [];
  if (state.order) {
    const first = firstDoses(state.order);
    const main = (state.order.dosageInstruction ?? []).filter((one) => !first.includes(one));
    const name = element("b", {}, state.order.medicationCodeableConcept?.text ?? "order");
    if (first.length) {
      const drop = element("button", { type: "button", class: "small", click: () => takeOrder(withoutFirstDoses(state.order)) }, "Remove the loading dose");
      lines.push(element("p", { class: "first-dose" }, "First ", first.map(told).join("; "), ", then: ", drop));
    }
    lines.push(element("p", {}, name, " ", main.length ? main.map(told).join("; ") : "no dose yet"));
  }
  for (const resource of state.extra) {
    const drop = element("button", { type: "button", class: "small", click: () => dropExtra(resource) }, "Remove");
    lines.push(element("p", {}, element("b", {}, "Also: "), nameOf(resource), " ", drop));
  }
  $("written").replaceChildren(...lines);
}

function nameOf(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? {};
  return concept.text ?? concept.coding?.[0]?.display ?? resource.resourceType;
}

function dropExtra(resource) {
  state.extra = state.extra.filter((one) => one !== resource);
  showWritten();
}

function changed(event) {
  const { name, value } = event.target;
  if (name === "sends") return;
  if (name === "drug") {
    takeOrder(draft(value, state.patientId, state.chart.encounter?.id, nextId()));
    selectSoon(0);
    return;
  }
  if (!state.order) return;
  const now = Object.fromEntries(["dose", "unit", "interval", "duration", "start"].map((key) => [key, form.elements[key].value]));
  state.order = written(state.order, now);
  showWritten();
  selectSoon(PAUSE);
}

// --- hooks -----------------------------------------------------------------------------------------------------------

function context(more = {}) {
  const entry = [state.order, ...state.extra].map((resource) => ({ resource }));
  const about = { userId: USER, patientId: state.patientId };
  if (state.chart.encounter) about.encounterId = state.chart.encounter.id;
  return { ...about, ...more, draftOrders: { resourceType: "Bundle", type: "collection", entry } };
}

/** What is on screen or on its way is about an older draft: it must not be accepted into this one. */
function forgetAnswers() {
  clearTimeout(state.timer);
  state.turn += 1;
  $("cards").inert = true;
}

function selectSoon(pause) {
  forgetAnswers();
  state.timer = setTimeout(() => ask("order-select", { selections: [`MedicationRequest/${state.order.id}`] }), pause);
}

/** Fires a hook and shows the cards; gives the number of cards, or null if no answer came or it came too late. */
async function ask(hook, more) {
  state.turn += 1;
  const turn = state.turn;
  $("state").textContent = "Asking…";
  try {
    const answers = await fire(hook, context(more), form.elements.sends.value);
    if (turn !== state.turn) return null;
    connected(true);
    for (const { request, response } of answers) showExchange(request, response);
    const cards = byGravity(answers);
    const slowest = Math.max(0, ...answers.map((answer) => answer.milliseconds));
    showCards(cards, `${hook}, answered in ${slowest} ms`);
    return cards.length;
  } catch (error) {
    if (turn !== state.turn) return null;
    if (error.request) showExchange(error.request, error.response ?? { error: error.message });
    if (!error.status) connected(false);
    const why = error.status ? error.message : "the decision support service does not answer";
    say(`No advice: ${why}. The order can be signed as usual.`, "trouble");
    return null;
  }
}

function showCards(cards, how) {
  $("gate").hidden = true;
  $("cards").inert = false;
  $("state").textContent = how;
  if (!cards.length) {
    $("cards").replaceChildren(element("p", { class: "silence" }, "No advice: nothing to change."));
    return;
  }
  $("cards").replaceChildren(...cards.map(({ service, card }) => cardElement(card, actions(service))));
}

function say(text, kind = "silence") {
  $("gate").hidden = true;
  $("cards").inert = false;
  $("state").textContent = "";
  $("cards").replaceChildren(element("p", { class: kind }, text));
}

/** What can be done with a card of this service. */
function actions(service) {
  return {
    async accept(card, suggestion) {
      for (const action of inOrder(suggestion.actions ?? [])) apply(action);
      showOrder();
      $("gate").hidden = true;
      const entry = { card: card.uuid, outcome: "accepted", acceptedSuggestions: [{ id: suggestion.uuid }] };
      return record(service, card.uuid && suggestion.uuid && entry, `Accepted: ${suggestion.label}`);
    },
    async override(card, reason, comment) {
      const overrideReason = {};
      if (reason) overrideReason.reason = reason;
      if (comment) overrideReason.userComment = comment;
      const entry = { card: card.uuid, outcome: "overridden" };
      if (reason || comment) entry.overrideReason = overrideReason;
      const why = [reason?.display, comment && `“${comment}”`].filter(Boolean).join(", ") || "no reason given";
      return record(service, entry, `Overridden: ${why}`);
    },
  };
}

/** The standard's order: first delete, then create, then update. */
function inOrder(all) {
  const rank = ["delete", "create", "update"];
  return [...all].sort((a, b) => rank.indexOf(a.type) - rank.indexOf(b.type));
}

function apply({ type, resource, resourceId }) {
  if (type === "create") {
    const made = { ...resource, id: resource.id ?? nextId() };
    state.extra = [...state.extra, made];
  } else if (type === "update" && resource.id === state.order?.id) {
    state.order = resource;
  } else if (type === "update") {
    state.extra = state.extra.map((one) => (one.id === resource.id ? resource : one));
  } else if (type === "delete") {
    const id = (resourceId ?? "").split("/").at(-1);
    if (state.order?.id === id) state.order = null;
    state.extra = state.extra.filter((one) => one.id !== id);
  }
}

async function record(service, entry, what) {
  let how = "(the service asked for no feedback)";
  if (entry) {
    try {
      await report(service.id, entry);
      how = "(recorded by the service)";
    } catch (error) {
      how = `(not recorded: ${error.status ? error.message : "the service does not answer"})`;
    }
  }
  note(what, how);
  return `${what} ${how}`;
}

// --- signing ---------------------------------------------------------------------------------------------------------

async function sign(event) {
  event.preventDefault();
  if (!state.order) return;
  clearTimeout(state.timer);
  $("sign").disabled = true;
  const order = state.order;
  const cards = await ask("order-sign");
  $("sign").disabled = !state.order;
  if (state.order !== order) return;
  if (cards) {
    $("gate").hidden = false;
    $("advice").scrollIntoView({ block: "nearest" });
    $("sign-anyway").focus({ preventScroll: true });
    return;
  }
  await signAsWritten(cards === 0 ? "no advice: nothing to change" : "without advice");
}

async function signAsWritten(remark) {
  try {
    await writeIntoRecord(remark);
  } catch (error) {
    say(`The order was not signed: ${error.message}.`, "trouble");
  }
}

async function writeIntoRecord(remark) {
  const { id: _draft, ...order } = state.order;
  const before = state.chart.orders.filter((one) => one.status === "active" && drugOf(one) && drugOf(one) === drugOf(order));
  const all = [order, ...state.extra.map(({ id: _id, ...resource }) => resource)];
  for (const resource of all) await create({ ...resource, status: "active", authoredOn: new Date().toISOString() });
  for (const old of before) await update({ ...old, status: "stopped" });
  note(`Signed: ${order.medicationCodeableConcept?.text ?? "order"} ${(order.dosageInstruction ?? []).map(told).join("; then ")}`, `(${remark})`);
  clearOrder();
  say(`Signed, ${remark}.`);
  await showChart();
}

// --- start -----------------------------------------------------------------------------------------------------------

/** Looks for the service until it is there. */
async function look() {
  try {
    await discover();
    connected(true);
  } catch {
    connected(false);
    setTimeout(look, 3000);
  }
}

function connected(yes) {
  const { service } = document.body.dataset;
  $("connection").textContent = yes ? `● Connected to ${service}` : `○ No decision support: ${service} does not answer`;
  $("connection").classList.toggle("off", !yes);
}

for (const [value, { label, form: kind }] of Object.entries(DRUGS)) {
  $("drugs").append(
    element("label", {}, element("input", { type: "radio", name: "drug", value }), element("span", {}, element("b", {}, label), " ", kind)),
  );
}
for (const button of document.querySelectorAll("[data-patient]"))
  button.addEventListener("click", () => choosePatient(button.dataset.patient));
form.addEventListener("input", changed);
form.addEventListener("submit", sign);
$("discard").addEventListener("click", clearOrder);
$("sign-anyway").addEventListener("click", () => signAsWritten("as written, with advice on screen"));
look();
if (document.querySelector(`[data-patient="${CSS.escape(location.hash.slice(1))}"]`)) choosePatient(location.hash.slice(1));
