import { need } from "../lib/dom";

/** A line of text with a button that copies it. */
customElements.define(
  "copy-text",
  class extends HTMLElement {
    connectedCallback() {
      const button = need<HTMLButtonElement>("button", this);
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(need("code", this).textContent ?? "");
        need("span", button).textContent = "Copied";
        setTimeout(() => (need("span", button).textContent = "Copy"), 2000);
      });
    }
  },
);
