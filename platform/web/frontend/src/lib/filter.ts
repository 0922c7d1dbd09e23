/** Which names match what was typed: every word must occur somewhere. Pure, for tests. */
export function matches(name: string, typed: string): boolean {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => name.includes(word));
}
/** The next index in a list for an arrow key, round the ends; undefined for other keys. */
export function nextIndex(key: string, at: number, length: number): number | undefined {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  return step === undefined || length === 0 ? undefined : (at + step + length) % length;
}
