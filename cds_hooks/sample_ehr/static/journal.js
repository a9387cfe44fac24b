// What was recorded, newest first, and the last exchange as JSON.

import { element } from "./dom.js";
import { clock } from "./when.js";

const shown = document.getElementById("journal");

/** Adds a line: what happened, and how it was recorded. */
export function note(what, how = "") {
  document.getElementById("nothing-recorded").hidden = true;
  shown.prepend(
    element("li", {}, element("time", {}, clock(Date.now())), " ", element("b", {}, what), how ? ` ${how}` : ""),
  );
}

/** Shows an exchange with the service. The token is a secret in a real EHR, so it is not shown here either. */
export function showExchange(request, response) {
  const masked = (key, value) => (key === "access_token" ? "(not shown)" : value);
  document.getElementById("request").textContent = JSON.stringify(request, masked, 2);
  document.getElementById("response").textContent = JSON.stringify(response, null, 2);
  document.getElementById("raw").hidden = false;
}
