import { $, $$, near, need } from "../lib/dom";
import { curve, neighbour, thickness, type Leg, type Pt } from "../lib/wires";

type End = Pt & { n: number };
const child = (e: Element, s: string) => $(`:scope > ${s}`, e);

/** The server renders the steps as nested lists. This draws the lines and adds zoom, pan and keys. */
class FlowCanvas extends HTMLElement {
  #zoom = 1;

  connectedCallback() {
    new ResizeObserver(() => this.draw()).observe(this.#stage);
    const redraw = (list: MutationRecord[]) =>
      list.some((m) => !(m.target as Element).closest(".wires")) && this.draw();
    new MutationObserver(redraw).observe(this.#stage, {
      childList: true,
      subtree: true,
      attributeFilter: ["data-in"],
    });
    this.fit(0.85);
    void document.fonts.ready.then(() => this.draw());
    this.addEventListener("click", (e) => this.#click(e));
    this.addEventListener("keydown", (e) => this.#key(e));
    this.#pane.addEventListener("pointerdown", (e) => this.#pan(e));
    this.addEventListener("wheel", (e) => this.#wheel(e), { passive: false });
    const numbers = $("[data-numbers]");
    numbers?.addEventListener("click", () => {
      const on = numbers.getAttribute("aria-pressed") !== "true";
      numbers.setAttribute("aria-pressed", `${on}`);
      this.classList.toggle("nomet", !on);
    });
  }
  get #stage() {
    return need(".stage", this);
  }
  get #pane() {
    return need(".pane", this);
  }

  zoom(to: number) {
    this.#zoom = Math.max(0.4, Math.min(1.4, to));
    this.#stage.style.setProperty("zoom", `${this.#zoom}`);
    need("output", this).textContent = `${Math.round(this.#zoom * 100)}%`;
    this.draw();
    this.#pane.scrollLeft = (this.#pane.scrollWidth - this.#pane.clientWidth) / 2;
  }
  /** The whole flow, but not below `least`, where the text gets too small to read. */
  fit(least = 0.4) {
    this.zoom(1);
    const root = need(".root", this),
      w = this.#pane.clientWidth / (root.offsetWidth + 60),
      h = this.#pane.clientHeight / (root.offsetHeight + 120);
    this.zoom(Math.max(least, Math.min(1, w, h)));
    this.#pane.scrollTop = 0;
  }

  #click(e: Event) {
    const zoom = near(e, "[data-zoom]")?.dataset.zoom;
    if (zoom === "fit") this.fit();
    else if (zoom) this.zoom(this.#zoom + Number(zoom));
    const step = near(e, ".step");
    if (!step) return;
    for (const s of $$(".step", this)) s.setAttribute("aria-current", `${s === step}`);
    if (innerWidth <= 1080) $("#panel")?.scrollIntoView({ block: "start" });
  }
  #wheel(e: WheelEvent) {
    if (!e.ctrlKey) return;
    e.preventDefault();
    this.zoom(this.#zoom * (e.deltaY < 0 ? 1.1 : 0.9));
  }
  #pan(e: PointerEvent) {
    if (near(e, "button") || e.button || e.pointerType === "touch") return;
    const x = e.clientX + this.#pane.scrollLeft,
      y = e.clientY + this.#pane.scrollTop,
      stop = new AbortController(),
      o = { signal: stop.signal };
    this.classList.add("drag");
    addEventListener("pointermove", (m) => this.#pane.scrollTo(x - m.clientX, y - m.clientY), o);
    addEventListener("pointerup", () => (this.classList.remove("drag"), stop.abort()), o);
  }
  #key(e: KeyboardEvent) {
    const step = near(e, ".step");
    if (!step || !e.key.startsWith("Arrow")) return;
    e.preventDefault();
    const at = (s: HTMLElement) => ({ s, x: s.getBoundingClientRect().x, y: s.getBoundingClientRect().y });
    const others = $$(".step", this).filter((s) => s !== step);
    const next = neighbour(at(step), others.map(at), e.key)?.s;
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  draw() {
    const stage = this.#stage,
      svg = $<SVGSVGElement>(".wires", stage),
      root = $(".root", stage);
    if (!svg || !root) return;
    const legs = this.#legs(root, stage.getBoundingClientRect());
    const max = Math.max(1, ...$$(".step", stage).map((s) => Number(s.dataset.in)));
    svg.replaceChildren(
      ...legs.map((leg) => {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("d", curve(leg));
        path.setAttribute("stroke-width", thickness(leg.n, max).toFixed(1));
        return path;
      }),
    );
  }
  #legs(root: Element, origin: DOMRect): Leg[] {
    const legs: Leg[] = [];
    const box = (e: Element) => {
      const b = e.getBoundingClientRect(),
        k = this.#zoom;
      return {
        x: (b.left + b.width / 2 - origin.left) / k,
        top: (b.top - origin.top) / k,
        bottom: (b.bottom - origin.top) / k,
      };
    };
    const go = (from: Pt, to: Pt, n: number, bend: Leg["bend"] = "top") =>
      void legs.push({ from, to, n, bend });
    const walk = (list: Element, open: End | null): End | null => {
      for (const node of list.children) {
        const card = child(node, ".step")!,
          c = box(card),
          n = Number(card.dataset.in),
          forks = child(node, ".forks"),
          join = child(node, ".join");
        if (open) go(open, { x: c.x, y: c.top }, Math.min(open.n, n) || n);
        let ends: End[] = card.dataset.end ? [] : [{ x: c.x, y: c.bottom, n }];
        if (forks)
          ends = [...forks.children].flatMap((fork) => {
            const share = Number((fork as HTMLElement).dataset.in),
              tag = box(child(fork, ".tag")!);
            go({ x: c.x, y: c.bottom }, { x: tag.x, y: tag.top }, share);
            const end = walk(child(fork, ".path")!, { x: tag.x, y: tag.bottom, n: share });
            return end ? [end] : [];
          });
        if (forks && join && ends.length) {
          const j = box(join);
          for (const end of ends) go(end, { x: j.x, y: j.top }, end.n, "bottom");
          open = { x: j.x, y: j.top, n: ends.reduce((sum, end) => sum + end.n, 0) };
        } else open = ends[0] ?? null;
      }
      return open;
    };
    walk(root, null);
    return legs;
  }
}
customElements.define("flow-canvas", FlowCanvas);
