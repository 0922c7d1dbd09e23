import { $, $$, near, need } from "./lib/dom";
import { matches, nextIndex } from "./lib/filter";

/** The frame of every page: dialogs, the switcher's filter, keys, messages that come and go. */
export function startFrame(): void {
  document.addEventListener("click", (e) => {
    const opens = near(e, "[data-opens]")?.dataset.opens;
    if (opens) open(opens);
    if (near(e, "[data-closes]")) near<HTMLDialogElement>(e, "dialog")?.close();
    if (e.target instanceof HTMLDialogElement) e.target.close(); // a click beside it
    const adds = near(e, "[data-adds]")?.dataset;
    if (adds) add(adds.adds!, adds.into!);
    const removes = near(e, "[data-removes]")?.dataset.removes;
    if (removes) near(e, removes)?.remove();
  });
  document.addEventListener("input", (e) => {
    const field = near<HTMLInputElement>(e, "[data-filters]");
    if (field) filter(need(`#${field.dataset.filters}`), field.value);
  });
  document.addEventListener("change", (e) => {
    near<HTMLInputElement>(e, "[data-submits]")?.form?.requestSubmit();
  });
  document.addEventListener("submit", (e) => {
    const asked = near<HTMLFormElement>(e, "form[data-confirm]")?.dataset.confirm;
    if (asked && !confirm(asked)) e.preventDefault();
  });
  document.addEventListener("htmx:finally:request", (e) => {
    if (e.target instanceof HTMLFormElement && "clears" in e.target.dataset) e.target.reset();
  });
  document.addEventListener("htmx:after:swap", () => {
    // A list that came after somebody began to type, or came anew.
    for (const field of $$<HTMLInputElement>("[data-filters]")) {
      if (field.value) filter(need(`#${field.dataset.filters}`), field.value);
    }
  });
  document.addEventListener("keydown", onKey);
  // The server opens a dialog again when its form was refused.
  for (const dialog of $$<HTMLDialogElement>("dialog[open]")) {
    dialog.close();
    show(dialog);
  }
  // Where the row of tabs is wider than the screen, the open page's tab may be out of sight.
  $(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  for (const note of $$(".toast:not(.error)")) setTimeout(() => note.remove(), 6000);
}

export function toast(text: string): void {
  const note = document.createElement("div");
  note.className = "toast error";
  note.textContent = text;
  $("#toasts")?.append(note);
  setTimeout(() => note.remove(), 8000);
}

function open(id: string): void {
  $("#side:popover-open")?.hidePopover();
  $("#me:popover-open")?.hidePopover();
  const dialog = $<HTMLDialogElement>(`#${id}`);
  if (!dialog || dialog.open) return;
  show(dialog);
  for (const part of $$("[data-opened]", dialog)) void fill(part);
}

const FIELD = "input:not([type=hidden]), select, textarea";

/** Opens a dialog with the cursor in what somebody would fill in or press first. */
function show(dialog: HTMLDialogElement): void {
  dialog.showModal();
  if ($("[autofocus]", dialog)) return; // the browser has seen to it
  const fields = $$<HTMLInputElement>(FIELD, dialog).filter((e) => !e.disabled && e.offsetParent);
  const wrong = fields.find((e) => e.closest(".field, fieldset")?.querySelector(".error"));
  const first = wrong ?? fields.find((e) => e.type !== "radio" || e.checked) ?? fields[0];
  (first ?? $$("button, a[href]", dialog).find((e) => !e.closest("header")))?.focus();
  if (first?.type === "search") first.select();
}

/** One more of what a template holds, at the end of a list, with the cursor in it. */
function add(template: string, into: string): void {
  const more = need<HTMLTemplateElement>(`#${template}`).content.cloneNode(true) as DocumentFragment;
  const field = $("input", more);
  need(`#${into}`).append(more);
  field?.focus();
}

/** What a dialog shows is fetched when it is first opened; somebody logged out is led to the log-in. */
async function fill(part: HTMLElement): Promise<void> {
  const url = part.dataset.opened;
  if (!url) return;
  part.dataset.opened = "";
  const answer = await fetch(url).catch(() => undefined);
  if (answer?.redirected) return location.reload();
  if (!answer?.ok) {
    part.dataset.opened = url;
    return toast("The list did not come. Close this and try again.");
  }
  part.innerHTML = await answer.text();
  for (const field of $$<HTMLInputElement>(`[data-filters="${part.id}"]`)) filter(part, field.value);
}

function filter(list: HTMLElement, typed: string): void {
  let shown = 0;
  for (const group of $$("[data-group]", list)) {
    const links = $$("[data-name]", group);
    for (const link of links) link.hidden = !matches(link.dataset.name ?? "", typed);
    const left = links.filter((link) => !link.hidden).length;
    group.hidden = left === 0;
    shown += left;
  }
  const none = $("[data-none]", list);
  if (none) none.hidden = shown > 0;
}

let waitsForGo = 0;
function onKey(e: KeyboardEvent): void {
  const dialog = $<HTMLDialogElement>("dialog[open]");
  if (dialog) return walk(e, dialog);
  if ((e.ctrlKey || e.metaKey) && e.key === "k") {
    e.preventDefault();
    return open($("#finder") ? "finder" : "switcher");
  }
  if (e.ctrlKey || e.metaKey || e.altKey || near(e, "input, textarea, select, [contenteditable]")) return;
  if (waitsForGo && e.timeStamp - waitsForGo < 2000) {
    waitsForGo = 0;
    const link = $<HTMLAnchorElement>(`[data-go="${CSS.escape(e.key)}"]`);
    if (link) location.assign(link.href);
    return;
  }
  if (e.key === "g") waitsForGo = e.timeStamp;
  const opens = { "?": "keys", w: "switcher" }[e.key];
  if (!opens) return;
  e.preventDefault(); // or the key would be typed into the field that gets the focus
  open(opens);
}

/** Arrows walk the links of an open dialog; Enter in its field takes the first. */
function walk(e: KeyboardEvent, dialog: HTMLDialogElement): void {
  if (e.key === "Escape") {
    e.preventDefault(); // a search field would only empty itself
    dialog.close();
    // Focus leaves a hidden field only with the next frame; a key typed before would be lost in it.
    if (dialog.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
    return;
  }
  const links = $$<HTMLAnchorElement>(".hits a", dialog).filter((a) => a.offsetParent);
  const field = near<HTMLInputElement>(e, "input[type=search]");
  if (e.key === "Enter" && field && links[0]) {
    e.preventDefault();
    location.assign(links[0].href);
  }
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  const to = nextIndex(e.key, field && e.key === "ArrowUp" ? 0 : at, links.length);
  if (to === undefined) return;
  e.preventDefault();
  links[to]?.focus();
}
