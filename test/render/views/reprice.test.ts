import { expect, it } from "vitest";
import { type RepricedView, repricedNotes } from "../../../src/render/views/reprice.js";

const NOTHING: RepricedView = {
  models: [],
  examined: 3,
  includeReported: false,
  reported: 0,
  unpriced: 0,
  interrupted: false,
};

it("says of stated costs how they are priced, or why those that were to be were not", () => {
  expect(repricedNotes(NOTHING)).toEqual([]);
  expect(repricedNotes({ ...NOTHING, reported: 1 })).toEqual([
    "1 event with a stated cost: left as stated (--include-reported prices them).",
  ]);
  expect(repricedNotes({ ...NOTHING, reported: 2, includeReported: true })).toEqual([
    "2 events with a stated cost: left as stated, being free or without usage that could be priced.",
  ]);
});
