import { expect, test } from "vitest";
import { fieldsIn, openField, sizeWords } from "./brackets";

test("fields are found where they stand, literal brackets are not", () => {
  const text = "Hi [FirstName or 'there'], \\[not this\\] [CartLink]";
  expect(fieldsIn(text).map(({ from, to }) => text.slice(from, to))).toEqual([
    "[FirstName or 'there']",
    "[CartLink]",
  ]);
});
test("a field being typed is known by its open bracket", () => {
  expect(openField("Hi [Fir")).toEqual({ from: 3, typed: "fir" });
  expect(openField("Hi [")).toEqual({ from: 3, typed: "" });
  expect(openField("Hi [FirstName or ")).toBeNull();
  expect(openField("Hi [FirstName]")).toBeNull();
  expect(openField("Hi \\[")).toBeNull();
});
test("the size is said in words", () => {
  expect(sizeWords(1, 20, 140, "GSM-7")).toBe("1 part · 20 characters, 140 left · GSM-7");
  expect(sizeWords(2, 80, 54, "UCS-2")).toContain("2 parts");
  expect(sizeWords(0, 0, 0, "")).toBe("No text yet");
});
