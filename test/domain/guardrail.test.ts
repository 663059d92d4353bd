import { expect, test } from "vitest";
import { tripReason } from "../../src/domain/guardrail.js";

test.each([
  ["cost", "month", 1_250_500_000_000, "monthly cost of all testers reached $1,250.50"],
  ["tokens", "day", 3_000_000, "daily tokens of all testers reached 3,000,000"],
] as const)("a trip of %s/%s says its limit as people write it", (meter, period, limit, reason) => {
  const guardrail = { id: 1, meter, period, limit, action: "stop" } as const;
  expect(tripReason({ guardrail } as Parameters<typeof tripReason>[0])).toBe(reason);
});
