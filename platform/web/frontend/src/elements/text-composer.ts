import { meta, need } from "../lib/dom";
import { fieldsIn, openField, sizeWords } from "../lib/brackets";

type Field = { label: string; title: string; insert: string; coverage: number | null; used: boolean };
type Written = {
  num_segments: number;
  encoding: string;
  characters: number;
  left: number;
  guilty: { character: string; name: string; plain: string }[];
  plain_body: string;
  preview: string;
  preview_note: string;
  unknown_preview: string;
  fields: Field[];
  uses: { label: string; title: string; detail: string }[];
  problems: { field: string; code: string; detail: string }[];
};
const make = (tag: string, text: string, name = "") => {
  const e = document.createElement(tag);
  e.textContent = text;
  if (name) e.className = name;
  return e;
};
const share = (f: Field) => (f.coverage === null ? "" : `${Math.round(100 * f.coverage)}% have it`);

/** A plain text area (spelling, IME and screen readers work) with its fields coloured behind the text. */
class TextComposer extends HTMLElement {
  #fields: Field[] = [];
  #hits: Field[] = [];
  #list: HTMLElement | null = null;
  #from = 0;
  #at = 0;
  #asked: AbortController | null = null;
  #later = 0;
  #laterWho = 0;
  #isNew = true;

  get #text() {
    return need<HTMLTextAreaElement>("textarea", this);
  }
  get #who() {
    return need<HTMLSelectElement>("[data-who]", this);
  }

  /** Where the form lets the type be chosen: a marketing text gets its opt-out line. */
  get #kind() {
    const chosen = this.closest("form")?.elements.namedItem("message_type");
    return chosen instanceof HTMLSelectElement ? chosen : null;
  }

  connectedCallback() {
    const t = this.#text;
    this.#kind?.addEventListener("change", () => void this.look());
    // Before anything was typed an empty text is no mistake.
    this.#isNew = !t.value && !("refused" in this.dataset);
    t.addEventListener("input", () => this.#typed());
    t.addEventListener("keydown", (e) => this.#key(e));
    t.addEventListener("blur", () => this.#close());
    t.addEventListener("scroll", () => (need(".hl", this).scrollTop = t.scrollTop));
    this.#who.addEventListener("change", () => void this.look());
    need("[data-insert]", this).addEventListener("click", () => this.#open());
    const find = need<HTMLInputElement>("[data-find]", this);
    find.addEventListener("input", () => {
      clearTimeout(this.#laterWho);
      this.#laterWho = window.setTimeout(() => void this.#people(find.value), 250);
    });
    find.addEventListener("keydown", (e) => e.key === "Enter" && e.preventDefault());
    this.#paint();
    void this.look();
    void this.#people("");
  }
  disconnectedCallback() {
    clearTimeout(this.#later);
    clearTimeout(this.#laterWho);
    this.#asked?.abort();
  }

  #typed() {
    this.#isNew = false;
    this.#paint();
    this.#suggest();
    clearTimeout(this.#later);
    this.#later = window.setTimeout(() => void this.look(), 200);
  }
  #paint() {
    const value = this.#text.value,
      out: (Node | string)[] = [];
    let at = 0;
    for (const { from, to } of fieldsIn(value)) {
      out.push(value.slice(at, from), make("mark", value.slice(from, to)));
      at = to;
    }
    need(".hl", this).replaceChildren(...out, value.slice(at), "\n");
  }

  /** Asks the server's own engine what the text would be: one truth for parts and words. */
  async look() {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    const body = new URLSearchParams({
      body: this.#text.value,
      syntax: this.dataset.syntax ?? "",
      message_type: this.#kind?.value ?? this.dataset.type ?? "",
      audience: this.dataset.audience ?? "",
      contact: this.#who.value,
    });
    const headers = { "X-CSRFToken": meta("csrf"), "X-Kairos-Workspace": meta("workspace") };
    try {
      const got = await fetch(this.dataset.url!, { method: "POST", body, headers, signal: asked.signal });
      if (got.ok) this.#show((await got.json()) as Written);
      else need("[data-size]", this).textContent = "The preview cannot be made right now.";
    } catch {
      // Somebody typed on, or the network is away: what is shown stays.
    }
  }
  #show(w: Written) {
    // Somebody who typed a bracket before the fields came gets the list now.
    const waited = !this.#fields.length && document.activeElement === this.#text;
    this.#fields = w.fields;
    if (this.#list || waited) this.#suggest();
    need("[data-size]", this).textContent = sizeWords(w.num_segments, w.characters, w.left, w.encoding);
    this.#showGuilty(w);
    const known = need("[data-known]", this);
    known.hidden = !this.#who.value;
    need("[data-preview]", this).textContent = w.preview;
    need("[data-preview]", this).hidden = !w.preview;
    need("[data-note]", this).textContent = w.preview_note;
    need("[data-unknown]", this).textContent = w.unknown_preview || "No text could be sent.";
    // A field that is being typed is not wrong yet.
    const problems = this.#list || this.#isNew ? [] : w.problems;
    this.#text.setAttribute("aria-invalid", `${problems.length > 0}`);
    need("[data-problems]", this).replaceChildren(
      ...problems.map((p) => {
        const line = make("li", p.detail, "error");
        line.dataset.field = p.field;
        return line;
      }),
    );
    this.#showUses(w);
  }
  /** For how many people each field of the text has nothing to say; where it is missing as a problem, the
   *  problem says it. */
  #showUses(w: Written) {
    const uses = w.uses.map((use) => {
      const line = make("li", "");
      line.append(make("b", use.title), make("span", use.detail));
      return line;
    });
    need("[data-uses]", this).hidden = uses.length === 0;
    need("[data-uses] ul", this).replaceChildren(...uses);
  }
  #showGuilty(w: Written) {
    const line = need("[data-guilty]", this);
    line.hidden = w.guilty.length === 0;
    const named = w.guilty.slice(0, 4).map((g) => `${g.character} (${g.name.toLowerCase()})`);
    const more = w.guilty.length > 4 ? ` and ${w.guilty.length - 4} more` : "";
    line.textContent = `${named.join(", ")}${more} ${w.guilty.length === 1 ? "makes" : "make"} each part 70 characters instead of 160. `;
    if (!w.plain_body) return;
    const button = make("button", "Use plain characters", "btn sm") as HTMLButtonElement;
    button.type = "button";
    button.addEventListener("click", () => {
      this.#text.value = w.plain_body;
      this.#text.focus();
      this.#changed();
    });
    line.append(button);
  }
  async #people(q: string) {
    const query = new URLSearchParams({ q, audience: this.dataset.audience ?? "" });
    const got = await fetch(`${this.dataset.contacts}?${query}`).catch(() => null);
    if (!got?.ok) return;
    const { contacts } = (await got.json()) as { contacts: { id: string; name: string }[] };
    const chosen = this.#who.value,
      nobody = new Option(q && !contacts.length ? "Nobody found" : "Nobody known", "");
    this.#who.replaceChildren(nobody, ...contacts.map((c) => new Option(c.name, c.id)));
    this.#who.value = q ? (contacts[0]?.id ?? "") : contacts.some((c) => c.id === chosen) ? chosen : "";
    if (this.#who.value !== chosen) void this.look();
  }

  /** The button: an open bracket at the caret, and the list of fields behind it. */
  #open() {
    const t = this.#text;
    t.setRangeText("[", t.selectionStart, t.selectionEnd, "end");
    t.focus();
    this.#paint();
    this.#suggest();
  }
  #suggest() {
    const t = this.#text,
      open = this.dataset.syntax === "jinja" ? null : openField(t.value.slice(0, t.selectionStart));
    const word = (open?.typed ?? "").replace(/\s/g, "");
    this.#hits = open
      ? this.#fields.filter((f) => `${f.label}${f.title}`.replace(/\s/g, "").toLowerCase().includes(word))
      : [];
    this.#close();
    if (!open || !this.#hits.length) return;
    this.#from = open.from;
    const list = (this.#list = make("ul", "", "fieldlist"));
    list.id = `${t.id}-fields`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Fields");
    list.tabIndex = 0; // it scrolls
    list.append(
      ...this.#hits.map((f, i) => {
        const line = make("li", "");
        line.id = `${list.id}-${i}`;
        line.setAttribute("role", "option");
        line.append(make("b", f.title), make("span", share(f), "small muted"), make("code", f.insert));
        return line;
      }),
    );
    list.addEventListener("pointerdown", (e) => {
      e.preventDefault();
      const at = [...list.children].indexOf((e.target as Element).closest("li")!);
      if (at >= 0) this.#put(this.#hits[at]!);
    });
    need(".ink", this).append(list);
    t.setAttribute("aria-controls", list.id);
    this.#select(0);
  }
  #select(i: number) {
    this.#at = (i + this.#hits.length) % this.#hits.length;
    [...this.#list!.children].forEach((li, j) => li.setAttribute("aria-selected", `${j === this.#at}`));
    this.#text.setAttribute("aria-activedescendant", `${this.#list!.id}-${this.#at}`);
    this.#list!.children[this.#at]?.scrollIntoView({ block: "nearest" });
  }
  #key(e: KeyboardEvent) {
    if (e.key === "s" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      return this.#text.form?.requestSubmit();
    }
    if (!this.#list) return;
    if (e.key === "ArrowDown") this.#select(this.#at + 1);
    else if (e.key === "ArrowUp") this.#select(this.#at - 1);
    else if (e.key === "Enter" || e.key === "Tab") this.#put(this.#hits[this.#at]!);
    else if (e.key === "Escape") this.#close();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
  #put(field: Field) {
    const t = this.#text;
    // What was typed of a field that is there already goes with it.
    const rest = t.value.slice(t.selectionEnd).match(/^[\w ]*\]/)?.[0].length ?? 0;
    t.setRangeText(field.insert, this.#from, t.selectionEnd + rest, "end");
    t.focus();
    this.#changed();
  }
  #changed() {
    this.#isNew = false;
    this.#close();
    this.#paint();
    this.#text.dispatchEvent(new Event("change", { bubbles: true }));
    void this.look();
  }
  #close() {
    this.#list?.remove();
    this.#list = null;
    for (const name of ["aria-activedescendant", "aria-controls"]) this.#text.removeAttribute(name);
  }
}
customElements.define("text-composer", TextComposer);
