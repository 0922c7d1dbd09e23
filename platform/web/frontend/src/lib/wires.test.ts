import { expect, test } from "vitest";
import { curve, neighbour, thickness } from "./wires";

test("a straight line stays straight, a bent one turns twice", () => {
  expect(curve({ from: { x: 5, y: 0 }, to: { x: 5, y: 40 }, n: 1, bend: "top" })).toBe("M5,0V40");
  expect(curve({ from: { x: 0, y: 0 }, to: { x: 100, y: 60 }, n: 1, bend: "top" }).match(/q/g)).toHaveLength(
    2,
  );
});

test("a line never vanishes and never grows without end", () => {
  expect(thickness(0, 0)).toBe(1.5);
  expect(thickness(100, 100)).toBe(6.5);
});

test("an arrow goes to the nearest step ahead", () => {
  const below = { x: 0, y: 50 },
    far = { x: 0, y: 200 };
  expect(neighbour({ x: 0, y: 0 }, [far, below], "ArrowDown")).toBe(below);
  expect(neighbour({ x: 0, y: 0 }, [below], "ArrowUp")).toBeUndefined();
});
