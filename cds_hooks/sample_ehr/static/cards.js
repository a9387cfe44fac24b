// Cards as a prescriber sees them: how grave, what, why, what to accept, and how to say no.

import { element, shape } from "./dom.js";
import { markdown } from "./markdown.js";

const GRAVITY = {
  critical: { words: "Critical", order: 0, path: "M5 1h6l4 4v6l-4 4H5l-4-4V5z" },
  warning: { words: "Warning", order: 1, path: "M8 1.5l7 13H1z" },
  info: { words: "Information", order: 2, path: "M8 1a7 7 0 1 0 .01 0z" },
};

/** Cards of all services, the gravest first. */
export function byGravity(answers) {
  return answers
    .flatMap(({ service, cards }) => cards.map((card) => ({ service, card })))
    .sort((a, b) => GRAVITY[a.card.indicator].order - GRAVITY[b.card.indicator].order);
}

/**
 * One card. ``acts`` has accept(card, suggestion) and override(card, reason, comment); each gives a promise of what
 * to say about how it was recorded.
 */
export function cardElement(card, acts) {
  const gravity = GRAVITY[card.indicator] ?? GRAVITY.info;
  const outcome = element("p", { class: "outcome", role: "status" });
  const made = element(
    "article",
    { class: `card ${card.indicator}`, "aria-label": `${gravity.words}: ${card.summary}` },
    element(
      "p",
      { class: "gravity" },
      shape("svg", { viewBox: "0 0 16 16", width: "15", height: "15", "aria-hidden": "true" }, shape("path", { d: gravity.path })),
      gravity.words,
      element("span", { class: "source" }, "from ", source(card.source)),
    ),
    element("h3", {}, card.summary),
  );
  const choices = suggestions(card, acts, outcome);
  if (choices) made.append(choices);
  made.append(outcome);
  if (card.detail) made.append(element("div", { class: "detail" }, markdown(card.detail)));
  if (card.links?.length) made.append(links(card.links));
  if (card.uuid) made.append(override(card, acts, outcome, made));
  return made;
}

function source({ label, url }) {
  return url ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : label;
}

function suggestions(card, acts, outcome) {
  if (!card.suggestions?.length) return null;
  const single = card.selectionBehavior !== "any";
  const buttons = card.suggestions.map((suggestion) => {
    const button = element(
      "button",
      { type: "button", class: suggestion.isRecommended ? "main" : null },
      suggestion.label,
      suggestion.isRecommended ? element("span", { class: "hint" }, "recommended") : null,
    );
    button.addEventListener("click", async () => {
      for (const other of single ? buttons : [button]) other.disabled = true;
      button.classList.add("accepted");
      button.prepend("✓ ");
      outcome.textContent = await acts.accept(card, suggestion);
    });
    return button;
  });
  return element("div", { class: "suggestions", role: "group", "aria-label": "Suggestions" }, buttons);
}

function links(all) {
  return element(
    "p",
    { class: "links" },
    all.map(({ label, url, type }) =>
      type === "absolute"
        ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label)
        : element("span", { class: "quiet" }, `${label} (needs a SMART launch, which this sample does not do)`),
    ),
  );
}

function override(card, acts, outcome, made) {
  const reasons = card.overrideReasons ?? [];
  const choice = element(
    "select",
    {},
    element("option", { value: "" }, "no reason given"),
    reasons.map((reason, i) => element("option", { value: i }, reason.display)),
  );
  const comment = element("input", { type: "text", maxlength: "500", placeholder: "optional" });
  const menu = element(
    "details",
    { class: "override" },
    element("summary", {}, "Do not follow this advice"),
    element(
      "div",
      { class: "fields" },
      element("label", {}, "Reason ", choice),
      element("label", {}, "Comment ", comment),
      element("button", { type: "button", click: decide }, "Override"),
    ),
  );
  async function decide() {
    const reason = reasons[choice.value];
    menu.open = false;
    made.classList.add("overridden");
    outcome.textContent = await acts.override(card, reason, comment.value.trim());
  }
  return menu;
}
