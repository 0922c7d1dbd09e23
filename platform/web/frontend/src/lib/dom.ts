export const $ = <E extends Element = HTMLElement>(s: string, r: ParentNode = document) =>
  r.querySelector<E>(s);
export const $$ = <E extends Element = HTMLElement>(s: string, r: ParentNode = document) => [
  ...r.querySelectorAll<E>(s),
];
export const need = <E extends Element = HTMLElement>(s: string, r: ParentNode = document): E => {
  const e = r.querySelector<E>(s);
  if (!e) throw new Error(`no element for ${s}`);
  return e;
};
/** The closest ancestor (or self) of an event's target. */
export const near = <E extends Element = HTMLElement>(e: Event, s: string): E | null =>
  e.target instanceof Element ? e.target.closest<E>(s) : null;
export const meta = (name: string) => $<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
