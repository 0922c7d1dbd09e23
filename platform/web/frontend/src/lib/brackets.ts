/** Where the fields of a bracket text stand: [start, end) of each `[Field or 'fallback']`. */
export function fieldsIn(text: string): { from: number; to: number }[] {
  const found = [];
  for (const m of text.matchAll(/(?<!\\)\[[^[\]\n]*\]/g))
    found.push({ from: m.index, to: m.index + m[0].length });
  return found;
}
/** What is being typed behind an open bracket at the caret, or null: `Hi [Fir` gives `Fir`. */
export function openField(before: string): { from: number; typed: string } | null {
  const m = before.match(/(?<!\\)\[([\w ]{0,40})$/);
  return m && !/\sor\s/i.test(m[1]!) ? { from: m.index!, typed: m[1]!.trim().toLowerCase() } : null;
}
/** `2 parts · 171 characters, 135 left · GSM-7`, or why there is nothing to count. */
export function sizeWords(parts: number, characters: number, left: number, encoding: string): string {
  if (!parts) return "No text yet";
  return `${parts} part${parts === 1 ? "" : "s"} · ${characters} characters, ${left} left · ${encoding}`;
}
