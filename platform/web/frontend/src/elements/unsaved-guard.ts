import { near, need } from "../lib/dom";

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
const plain = (text: string) => text.replace(/\r\n?/g, "\n");
const isControl = (e: Element): e is Control =>
  e instanceof HTMLInputElement || e instanceof HTMLTextAreaElement || e instanceof HTMLSelectElement;

const isTick = (e: Control): e is HTMLInputElement => e.type === "checkbox" || e.type === "radio";

/** What stands in a control; a tick that is not set says nothing. */
const now = (e: Control) => (isTick(e) && !e.checked ? "" : plain(e.value));
/** What the server wrote into it. */
function given(e: Control): string {
  if (isTick(e)) return e.defaultChecked ? plain(e.value) : "";
  if (!(e instanceof HTMLSelectElement)) return plain(e.defaultValue);
  return ([...e.options].find((o) => o.defaultSelected) ?? e.options[0])?.value ?? "";
}

/** Does a link lead to a place on this very page? */
const isHere = (a: HTMLAnchorElement) =>
  !!a.hash && a.pathname === location.pathname && a.search === location.search;

/** Stands in a form. Nothing that was changed in it is lost without a word: another step, a link and the
 *  closing of the tab ask first. `data-dirty`: what the form shows was refused, so it is nowhere saved. */
class UnsavedGuard extends HTMLElement {
  #stop = new AbortController();
  #before = "";
  #decided = false;
  #last: HTMLElement | null = null;
  #leave: HTMLElement | null = null;

  get #form() {
    return this.closest("form")!;
  }
  get #dialog() {
    return need<HTMLDialogElement>("dialog", this);
  }

  /** The form's own button for saving, where it has several. */
  get #saver() {
    return [...this.#form.elements].find(
      (e): e is HTMLButtonElement => "saves" in (e as HTMLElement).dataset,
    );
  }

  connectedCallback() {
    const o = { signal: this.#stop.signal },
      form = this.#form;
    this.#before = this.#said(given);
    // Before everybody else hears of it: htmx would fetch the next panel, the canvas would mark its step.
    addEventListener("click", (e) => this.#click(e), { ...o, capture: true });
    addEventListener("beforeunload", (e) => this.#isDirty() && e.preventDefault(), o);
    form.addEventListener("submit", () => (this.#decided = true), o);
    form.addEventListener("focusin", (e) => this.#remember(e), o);
    this.#dialog.addEventListener("close", () => this.#decided || this.#last?.focus(), o);
    need("[data-save]", this).addEventListener("click", () => this.#save(), o);
    need("[data-drop]", this).addEventListener("click", () => this.#drop(), o);
  }
  disconnectedCallback() {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  #remember(e: Event) {
    if (e.target instanceof HTMLElement && !this.contains(e.target)) this.#last = e.target;
  }
  /** Every name with its value; an empty line of conditions says nothing. */
  #said(read: (e: Control) => string): string {
    const told: [string, string][] = [];
    for (const e of this.#form.elements) {
      if (!isControl(e) || !e.name || e.type === "hidden") continue;
      const first = e.closest(".condition")?.querySelector<HTMLInputElement>("[name=property]");
      if (!first || read(first).trim()) told.push([e.name, read(e)]);
    }
    return JSON.stringify(told);
  }
  #isDirty() {
    if (this.#decided) return false;
    return "dirty" in this.dataset || this.#said(now) !== this.#before;
  }

  #click(e: MouseEvent) {
    if (e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const panel = near(e, "[hx-target='#panel']"),
      link = near<HTMLAnchorElement>(e, "a[href]"),
      leaves = panel ?? link;
    if (!leaves || "drops" in leaves.dataset || !this.#isDirty()) return;
    // Another tab, or a place on this page: nothing is lost.
    if (!panel && (link!.target || isHere(link!))) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    this.#leave = leaves;
    this.#dialog.showModal();
  }
  #save() {
    const then = need<HTMLInputElement>("[name=next]", this.#form),
      to = this.#leave;
    then.value = to?.dataset.page ?? to?.getAttribute("href") ?? "";
    this.#dialog.close();
    this.#form.requestSubmit(this.#saver);
    if (!this.#decided) then.value = ""; // the browser found something missing and says so
  }
  #drop() {
    this.#decided = true;
    this.#dialog.close();
    this.#leave?.click();
  }
}
customElements.define("unsaved-guard", UnsavedGuard);
