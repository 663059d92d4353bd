import type { QuotaState } from "../../domain/decide.js";
import type { Stop } from "../../domain/emergency.js";
import type { Amounts } from "../../domain/meter.js";
import type { Sums, UnpricedModel } from "../../domain/report.js";
import type { CallKind } from "../../domain/usage.js";
import type { User } from "../../domain/user.js";
import type { Instant } from "../../domain/window.js";
import type { GuardrailView } from "./guardrails.js";

/** By what the testers of a status are sorted. */
export const STATUS_SORTS = ["cost", "tokens", "calls", "limit"] as const;
export type StatusSort = (typeof STATUS_SORTS)[number];

export interface StatusUserView {
  readonly user: User;
  readonly quotas: readonly QuotaState[];
  readonly fullest: QuotaState | null;
  readonly state: "free" | "near" | "blocked";
  /** Of today. */
  readonly sums: Sums;
}

export interface RecentUseView {
  readonly requests: number;
  readonly tokens: number;
  readonly images: number;
  readonly cost: bigint;
  readonly assumed: bigint;
  readonly complete: boolean;
}

export interface ConcernView {
  readonly severity: "bad" | "warning";
  readonly code:
    | "stopped"
    | "throttled"
    | "guardrail-lifted"
    | "guardrail-reached"
    | "guardrail-near"
    | "guardrail-pace"
    | "no-budget"
    | "testers-blocked"
    | "unpriced"
    | "holds-expired"
    | "reset-overdue";
  readonly guardrail?: GuardrailView;
  readonly reachedAt?: Instant;
}

/** How the whole system stands, as the engine tells it. */
export interface StatusView {
  readonly at: Instant;
  readonly timeZone: string;
  readonly concerns: readonly ConcernView[];
  readonly stops: readonly (Stop & { readonly user: string | null })[];
  readonly guardrails: readonly GuardrailView[];
  readonly spending: {
    readonly hour: RecentUseView;
    readonly today: Sums;
    readonly yesterday: Sums;
    readonly yesterdaysHour: bigint;
    readonly month: Sums;
  };
  readonly testers: { readonly active: number; readonly suspended: number };
  readonly users: readonly StatusUserView[];
  readonly refusals: {
    readonly count: number;
    readonly testers: number;
    readonly codes: readonly { readonly code: string; readonly count: number }[];
  };
  readonly unpriced: readonly UnpricedModel[];
  readonly held: {
    readonly live: number;
    readonly amounts: Readonly<Amounts>;
    readonly expired: number;
  };
  readonly newAlerts: number;
  readonly lastEvent:
    | (CallKind & {
        readonly user: string;
        readonly email: string | null;
        readonly occurredAt: Instant;
        readonly recordedAt: Instant;
        readonly live: boolean;
      })
    | null;
  readonly lastLiveUse: Instant | null;
  readonly lastReset: { readonly day: number; readonly ranAt: Instant; readonly actor: string } | null;
  readonly daysToClose: number;
  readonly size: number;
}

/** How a tester is called. */
export function nameOf({ user }: StatusUserView): string {
  return user.email ?? user.key;
}

/** Those whom a limit blocks, in their order; suspended ones are refused for another reason. */
export function blockedUsers({ users }: StatusView): StatusUserView[] {
  return users.filter(({ state, user }) => state === "blocked" && user.status === "active");
}
