/** The lines between the steps of a flow. Pure, so that it can be tested without a browser. */
export type Pt = { x: number; y: number };
export type Leg = { from: Pt; to: Pt; n: number; lead?: boolean; bend: "top" | "bottom" };

/** Down, across with round corners, down. `bend` tells at which end it turns. */
export function curve({ from, to, bend }: Leg): string {
  const dx = to.x - from.x;
  if (Math.abs(dx) < 1) return `M${from.x},${from.y}V${to.y}`;
  const r = Math.min(14, Math.abs(dx) / 2, Math.max(1, (to.y - from.y) / 2)),
    s = Math.sign(dx);
  const y = bend === "bottom" ? to.y - 13 : from.y + 12;
  return `M${from.x},${from.y}V${y - r}q0,${r} ${s * r},${r}H${to.x - s * r}q${s * r},0 ${s * r},${r}V${to.y}`;
}
/** Line width by number of contacts: area grows with the count, a thin line stays visible, and few contacts make no thick one. */
export const thickness = (n: number, max: number) => 1.5 + 5 * Math.sqrt(Math.max(0, n) / Math.max(25, max));

type Box = { x: number; y: number };
/** Next step in an arrow key's direction: nearest ahead. Going down may fan out into branches; going across stays in the row. */
export function neighbour<T extends Box>(me: T, others: T[], key: string): T | undefined {
  const d = (
    { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as Record<
      string,
      [number, number]
    >
  )[key];
  if (!d) return undefined;
  return others
    .map((o) => {
      const dx = o.x - me.x,
        dy = o.y - me.y;
      const ahead = dx * d[0] + dy * d[1],
        aside = Math.abs(dx * d[1]) + Math.abs(dy * d[0]);
      return { o, ahead, cost: ahead + aside * (d[0] ? 2 : 0.5) };
    })
    .filter((c) => c.ahead > 8)
    .sort((a, b) => a.cost - b.cost)[0]?.o;
}
