import { expect, test } from "vitest";
import { matches, nextIndex } from "./filter";

test("every word must occur", () => {
  expect(matches("juniper & oak northside", "oak nor")).toBe(true);
  expect(matches("juniper & oak northside", "oak south")).toBe(false);
  expect(matches("anything", "  ")).toBe(true);
});

test("arrows go round the ends", () => {
  expect(nextIndex("ArrowDown", 2, 3)).toBe(0);
  expect(nextIndex("ArrowUp", 0, 3)).toBe(2);
  expect(nextIndex("Enter", 0, 3)).toBeUndefined();
  expect(nextIndex("ArrowDown", -1, 0)).toBeUndefined();
});
