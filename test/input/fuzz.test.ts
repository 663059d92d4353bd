import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AlphaError } from "../../src/errors.js";
import { parseMapping } from "../../src/importers/mapping.js";
import { cut, line, type Reading, readAll } from "./reading.js";

const JSONL = Buffer.from(
  [line({ id: "a", user: "ada" }), line(), line(), line({ images: "2", cost_usd: 0.5 })].join("\n"),
);
const CSV = Buffer.from(
  'id,timestamp,user,input_tokens,output_tokens\r\na,2026-11-01 10:00:00.5,"ada, b",1,2\r\nb,2026-11-02,"x\ny ""z""",3,4\r\n',
);
const JSON_LIST = Buffer.from(
  `{"logs": [\n ${line({ id: "a" })},\n${line({ images: "2" })}, ${line()}], "total": 3}`,
);
const OTLP = Buffer.from(
  '{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"a","endTimeUnixNano":"1795168802123456789","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"5"}}]},{"spanId":"b","startTimeUnixNano":"1795168800000000000"}]}]}]}',
);

/** A file with some bytes overwritten, cut out or doubled. */
const mutated = (original: Buffer) =>
  fc
    .array(
      fc.record({
        at: fc.nat(original.length - 1),
        length: fc.nat(20),
        insert: fc.oneof(
          fc.uint8Array({ maxLength: 4 }),
          fc
            .constantFrom('"', "\n", ",", "{", "}", "1e999", "\r", "\0", '""')
            .map((text) => Buffer.from(text)),
        ),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((edits) =>
      edits.reduce(
        (bytes, { at, length, insert }) =>
          Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + length)]),
        original,
      ),
    );

const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyText = fc
  .array(
    fc.constantFrom(
      "{",
      "}",
      '"',
      ",",
      ";",
      "\n",
      "\r",
      "\t",
      "[",
      "1",
      "-",
      "timestamp",
      "images",
      "\ufeff",
      "é",
    ),
  )
  .map((parts) => Buffer.from(parts.join("")));

async function attempt(bytes: Buffer, chunk: number): Promise<Reading | AlphaError> {
  const mapping = bytes.length % 3 === 0 ? parseMapping([], ["images=1"]) : null;
  try {
    return await readAll(cut(bytes, chunk), { mapping });
  } catch (error) {
    if (error instanceof AlphaError) return error;
    throw error;
  }
}

const linesIn = (bytes: Buffer) => bytes.toString("latin1").split("\n").length;
const bytesIn = (bytes: Buffer) => bytes.length;

describe("whatever the bytes", () => {
  it.each([
    ["random bytes", anyBytes, bytesIn],
    ["random text", anyText, bytesIn],
    // With a comma at the end of its first line it is JSON that is printed over several.
    ["a mutated JSONL file", mutated(JSONL), bytesIn],
    ["a mutated CSV file", mutated(CSV), linesIn],
    ["a mutated list of JSON", mutated(JSON_LIST), bytesIn],
    ["a mutated export of OTLP", mutated(OTLP), bytesIn],
  ])(
    "%s give a reading or a sentence, never more records than there is text, and the same in any chunks",
    async (_, input, most) => {
      await fc.assert(
        fc.asyncProperty(input, fc.integer({ min: 1, max: 50 }), async (bytes, chunk) => {
          const whole = await attempt(bytes, bytes.length + 1);
          const pieces = await attempt(bytes, chunk);
          if (whole instanceof AlphaError || pieces instanceof AlphaError) {
            expect(pieces).toEqual(whole);
            return;
          }
          expect(whole.entries.length + whole.rejects.length).toBeLessThanOrEqual(most(bytes));
          expect(pieces.entries.map(({ draft }) => draft)).toEqual(whole.entries.map(({ draft }) => draft));
          expect(pieces.rejects).toEqual(whole.rejects);
          for (const { draft } of whole.entries) {
            for (const count of [draft.input, draft.output, draft.images]) {
              expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
            }
          }
        }),
        { numRuns: 400 },
      );
    },
  );
});
