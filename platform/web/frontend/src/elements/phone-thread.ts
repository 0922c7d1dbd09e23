export {};
/** A thread of texts that stays at its newest one when something comes in. */
customElements.define(
  "phone-thread",
  class extends HTMLElement {
    #end = () => (this.scrollTop = this.scrollHeight);
    connectedCallback() {
      this.#end();
      new MutationObserver(this.#end).observe(this, { childList: true, subtree: true });
    }
  },
);
