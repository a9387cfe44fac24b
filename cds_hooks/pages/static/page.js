// Copies the note. Without a script the note can still be selected by hand.
const button = document.getElementById("copy");
const note = document.getElementById("note");

function select() {
  const range = document.createRange();
  range.selectNodeContents(note);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy() {
  const copied = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(note.textContent);
    copied.textContent = "Copied.";
  } catch {
    select();
    copied.textContent = "The note is selected: copy it with Ctrl+C.";
  }
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", copy);
}

// On paper nothing can be opened, so everything is.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.as-table)")) details.open = true;
});
