import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Operation, OperationOutcome } from "../../src/domain/ledger-model.js";
import { type Amounts, noAmounts } from "../../src/domain/meter.js";
import { dayLabel, windowLabel } from "../../src/domain/window.js";
import { dateIn, inOneBatch, type ModelConfig, ModelStore, userNamed } from "../support/ledger-model.js";
import { streams, streamsInParts } from "../support/ledger-stream.js";

const RUNS = { numRuns: 300 };

function oneByOne({ config, operations }: { config: ModelConfig; operations: readonly Operation[] }) {
  const store = new ModelStore(config);
  const outcomes = operations.flatMap((operation) => store.apply([operation]));
  return { store, outcomes };
}

describe("any split of a stream into batches", () => {
  it("gives the same outcomes and the same state", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(streamsInParts, cuts, (stream, sizes) => {
        const expected = oneByOne(stream);
        const store = new ModelStore(stream.config);
        const outcomes: OperationOutcome[] = [];
        for (let from = 0, batch = 0; from < stream.operations.length; batch++) {
          const size = sizes[batch % sizes.length] ?? 1;
          outcomes.push(...store.apply(stream.operations.slice(from, from + size)));
          from += size;
        }
        expect(outcomes).toEqual(expected.outcomes);
        expect(store.snapshot()).toEqual(expected.store.snapshot());
        const whole = inOneBatch(stream);
        expect(whole.outcomes).toEqual(expected.outcomes);
        expect(whole.store.snapshot()).toEqual(expected.store.snapshot());
      }),
      RUNS,
    );
  });
});

describe("usage", () => {
  it("applied twice counts once", () => {
    fc.assert(
      fc.property(streamsInParts, ({ config, operations }) => {
        const usage = operations.filter(({ op }) => op === "record" || op === "settle");
        const store = new ModelStore(config);
        store.apply(usage);
        const once = store.snapshot();
        const again = store.apply(usage);
        expect(store.snapshot()).toEqual(once);
        expect(again.filter((outcome) => "status" in outcome && outcome.status === "inserted")).toEqual([]);
      }),
      RUNS,
    );
  });

  it("is never lost, and counted exactly once, whatever became of its hold", () => {
    fc.assert(
      fc.property(streamsInParts, (stream) => {
        const { store, outcomes } = inOneBatch(stream);
        const first = new Map<string, string>();
        const providerIds = new Set<string>();
        const counted: string[] = [];
        stream.operations.forEach((operation, i) => {
          if (operation.op !== "settle" && operation.op !== "record") return;
          const { entry } = operation;
          const user = userNamed(stream.config, entry.user);
          const key = `${entry.source}/${entry.id}`;
          const content = `${user?.id}/${entry.hash}`;
          const known = first.get(key);
          let status: string;
          if (user === undefined) status = "user-unknown";
          else if (known !== undefined) status = known === content ? "duplicate" : "conflict";
          else if (entry.providerId !== null && providerIds.has(entry.providerId)) {
            status = "duplicate";
            first.set(key, content);
          } else {
            status = "inserted";
            first.set(key, content);
            if (entry.providerId !== null) providerIds.add(entry.providerId);
            counted.push(key);
          }
          expect(outcomes[i]).toMatchObject({ op: operation.op, status });
        });
        expect(store.events.map(({ source, id }) => `${source}/${id}`)).toEqual(counted);
      }),
      RUNS,
    );
  });

  it("is what the totals say, added up by another way", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { store } = inOneBatch(stream);
        const date = dateIn(stream.config.settings.time_zone);
        const windows: Record<string, Amounts> = {};
        const days: Record<string, number[]> = {};
        for (const event of store.events) {
          const { userId, provider, model, feature, input, cacheRead, cacheWrite, output, images } = event;
          const tokens = input + cacheRead + cacheWrite + output;
          const cost = event.cost + event.assumed;
          const label = date(event.occurredAt);
          for (const key of [`${userId}/${label}`, `${userId}/${label.slice(0, 7)}`]) {
            const sum = windows[key] ?? noAmounts();
            windows[key] = {
              tokens: sum.tokens + tokens,
              images: sum.images + images,
              cost: sum.cost + cost,
              requests: sum.requests + 1,
            };
          }
          const cell = `${userId}/${label}/${provider}/${model}/${feature}`;
          const row = [
            input,
            cacheRead,
            cacheWrite,
            output,
            event.reasoning,
            images,
            1,
            event.cost,
            event.assumed,
            event.pricedBy === "none" && tokens + images > 0 ? 1 : 0,
          ];
          days[cell] = row.map((value, i) => value + (days[cell]?.[i] ?? 0));
        }

        const kept: Record<string, Amounts> = {};
        for (const [key, amounts] of store.windows) {
          const [userId, period, index] = key.split("/");
          const label = windowLabel({ period: period === "day" ? "day" : "month", index: Number(index) });
          kept[`${userId}/${label}`] = amounts;
        }
        expect(kept).toEqual(windows);
        const keptDays = [...store.days.values()].map((row) => [
          `${row.userId}/${dayLabel(row.day)}/${row.provider}/${row.model}/${row.feature}`,
          [
            row.input,
            row.cacheRead,
            row.cacheWrite,
            row.output,
            row.reasoning,
            row.images,
            row.requests,
            row.cost,
            row.assumed,
            row.unpriced,
          ],
        ]);
        expect(Object.fromEntries(keptDays)).toEqual(days);
      }),
      RUNS,
    );
  });
});
