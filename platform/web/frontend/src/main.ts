import "./main.css";
import htmx from "htmx.org";
import { $, meta } from "./lib/dom";
import { startFrame, toast } from "./frame";

// htmx 4 inherits nothing by itself: every request says here who asks and for which workspace.
document.addEventListener("htmx:config:request", (e) => {
  const { headers } = (e as CustomEvent).detail.ctx.request;
  headers["X-CSRFToken"] = meta("csrf");
  headers["X-Kairos-Workspace"] = meta("workspace");
});

// A refused request changes nothing on the page but says so.
document.addEventListener("htmx:after:request", (e) => {
  const { response, text } = (e as CustomEvent).detail.ctx ?? {};
  if (!response || response.status < 400) return;
  const page = new DOMParser().parseFromString(String(text ?? ""), "text/html");
  const said = page.querySelector<HTMLElement>("[data-problem]")?.dataset.problem;
  toast(said || "That did not work. Nothing was changed.");
});

// Custom elements start by themselves, also in what htmx swaps in. Each is its own chunk,
// fetched when its tag first shows up.
const elements: Record<string, () => Promise<unknown>> = {
  "copy-text": () => import("./elements/copy-text"),
  "flow-canvas": () => import("./elements/flow-canvas"),
  "row-picker": () => import("./elements/row-picker"),
  "reply-desk": () => import("./elements/reply-desk"),
  "phone-thread": () => import("./elements/phone-thread"),
  "text-composer": () => import("./elements/text-composer"),
  "unsaved-guard": () => import("./elements/unsaved-guard"),
};
const wake = () => {
  for (const [tag, load] of Object.entries(elements)) if (!customElements.get(tag) && $(tag)) void load();
};
wake();
document.addEventListener("htmx:after:swap", wake);
startFrame();
Object.assign(window, { htmx });
