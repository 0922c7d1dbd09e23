import { $, $$, near } from "../lib/dom";

/** Keys of the replies page: J and K walk the conversations, R writes, E closes, Ctrl Enter sends. */
customElements.define(
  "reply-desk",
  class extends HTMLElement {
    connectedCallback() {
      document.addEventListener("keydown", this.#onKey);
      this.addEventListener("submit", this.#onSubmit);
    }
    disconnectedCallback() {
      document.removeEventListener("keydown", this.#onKey);
    }
    // A second click would only repeat what is on its way.
    #onSubmit = (e: Event) => {
      const form = e.target as HTMLFormElement;
      for (const button of $$<HTMLButtonElement>("button", form)) {
        button.disabled = true;
        setTimeout(() => (button.disabled = false), 4000); // for whoever comes back to this page
      }
    };
    #onKey = (e: KeyboardEvent) => {
      const form = near<HTMLFormElement>(e, "#answer");
      if (form && e.key === "Enter" && (e.ctrlKey || e.metaKey)) return form.requestSubmit();
      if (e.ctrlKey || e.metaKey || e.altKey || $("dialog[open]")) return;
      if (near(e, "input, textarea, select")) {
        if (e.key === "Escape") (document.activeElement as HTMLElement).blur();
        return;
      }
      if (e.key === "j" || e.key === "k") return this.#walk(e.key === "j" ? 1 : -1);
      if (e.key === "e") return $<HTMLButtonElement>('[data-key="e"]')?.click();
      const box = $<HTMLTextAreaElement>("#answer-body");
      if (e.key !== "r" || !box) return;
      e.preventDefault(); // or the key would be typed into the box
      box.focus();
    };
    #walk(step: number) {
      const links = $$<HTMLAnchorElement>(".convs a", this);
      const at = links.findIndex((link) => link.hasAttribute("aria-current"));
      const next = at < 0 ? links[0] : links[at + step];
      if (next) location.assign(next.href);
    }
  },
);
