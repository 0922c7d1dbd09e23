import { $, $$, need } from "../lib/dom";

/** A table whose rows can be ticked: one box ticks the page, and the button says how many. */
customElements.define(
  "row-picker",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("change", (e) => {
        const all = need<HTMLInputElement>("[data-all]", this);
        if (e.target === all) for (const box of this.boxes()) box.checked = all.checked;
        this.show(all);
      });
      this.show(need<HTMLInputElement>("[data-all]", this));
    }
    private boxes() {
      return $$<HTMLInputElement>('input[name="ids"]', this);
    }
    private show(all: HTMLInputElement) {
      const boxes = this.boxes();
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      const count = $("[data-count]", this);
      if (count) count.textContent = `${ticked} selected`;
    }
  },
);
