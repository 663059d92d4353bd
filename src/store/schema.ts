import type { ColumnType, Generated, Kysely } from "kysely";

/** The tables as the migrations leave them. See docs/schema.md for what the rows mean. */
export interface Schema {
  generation: { id: number; config: number };
  setting: Versioned & { key: string; value: string };
  tier: { id: Generated<number>; key: string };
  tier_version: Versioned & { tier_id: number; label: string; rank: number; call_tokens: Optional<number> };
  tier_quota: { tier_version_id: number; meter: string; period: string; limit_amount: number };
  tier_feature: { tier_version_id: number; feature: string };
  users: {
    id: Generated<number>;
    key: string;
    email: string | null;
    name: string | null;
    persona: string | null;
    created_at: number;
    lock_seq: Generated<number>;
  };
  user_name: { name: string; user_id: number; kind: "id" | "email" | "alias" };
  membership: Versioned & { user_id: number; tier_id: number; status: "active" | "suspended" | "removed" };
  override: Versioned & {
    user_id: number;
    kind: "quota" | "feature";
    meter: Generated<string>;
    period: Generated<string>;
    feature: Generated<string>;
    limit_amount: number | null;
    granted: number | null;
    reason: string | null;
    expires_at: number | null;
  };
  forgiveness: {
    user_id: number;
    period: string;
    window_index: number;
    meter: string;
    forgiven_at: number;
    amount: number;
  };
  stop: Versioned & {
    action: "stop" | "throttle";
    user_id: Optional<number>;
    tier_id: Optional<number>;
    provider: Optional<string>;
    model: Optional<string>;
    feature: Optional<string>;
    reason: Optional<string>;
    actor: string;
    expires_at: Optional<number>;
    guardrail_id: Optional<number>;
  };
  guardrail: Versioned & {
    meter: "cost" | "tokens";
    period: string;
    limit_amount: number;
    action: "alert" | "throttle" | "stop";
  };
  call_kind: { id: Generated<number>; provider: string; model: string; feature: string };
  event_source: { id: Generated<number>; name: string };
  usage_event: {
    id: Generated<number>;
    user_id: number;
    call_kind_id: number;
    occurred_at: number;
    recorded_at: number;
    input: number;
    cache_read: number;
    cache_write: number;
    output: number;
    reasoning: number;
    images: number;
    requests: number;
    cost: number;
    assumed: number;
    priced_by: "log" | "own" | "book" | "none";
    status: string | null;
    estimated: number | null;
    import_id: number | null;
    corrects: Optional<number>;
    unpriced: Optional<number>;
    reserved_at: Optional<number>;
    asked_tokens: Optional<number>;
    asked_images: Optional<number>;
    asked_cost: Optional<number>;
    part: Optional<number>;
    expired_at: Optional<number>;
  };
  event_key: {
    source_id: number;
    id: string;
    hash: number;
    event_id: number;
    provider_id: string | null;
    import_id: Optional<number>;
  };
  usage_window: {
    user_id: number;
    period: string;
    window_index: number;
    tokens: number;
    images: number;
    cost: number;
    requests: number;
  };
  usage_day: {
    user_id: number;
    day: number;
    call_kind_id: number;
    input: number;
    cache_read: number;
    cache_write: number;
    output: number;
    reasoning: number;
    images: number;
    requests: number;
    cost: number;
    assumed: number;
    unpriced: number;
  };
  hold: {
    user_id: number;
    id: string;
    call_kind_id: number;
    tokens: number;
    images: number;
    cost: number;
    requests: number;
    created_at: number;
    expires_at: number;
  };
  refusal: { user_id: number; day: number; code: string; meter: string; count: number };
  refused_call: {
    id: Generated<number>;
    user_id: number;
    day: number;
    at: number;
    call_kind_id: number;
    states_amounts: number;
    tokens: number;
    images: number;
    cost: number;
    requests: number;
    code: string;
    meter: string;
    period: string;
    seen: string;
  };
  sealed_month: {
    month: number;
    sealed_at: number;
    actor: string;
    events: number;
    requests: number;
    tokens: number;
    images: number;
    cost: number;
    assumed: number;
  };
  guardrail_total: { guardrail_id: number; window_index: number; shard: Generated<number>; used: number };
  guardrail_trip: { guardrail_id: number; window_index: number; tripped_at: number };
  alert: {
    id: Generated<number>;
    kind: string;
    user_id: number;
    period: string;
    window_index: number;
    meter: string;
    threshold: number;
    code: string;
    at: number;
    printed_at: number | null;
  };
  audit_entry: {
    id: Generated<number>;
    at: number;
    actor: string;
    action: string;
    subject: string;
    before: Optional<string>;
    after: Optional<string>;
    reason: Optional<string>;
  };
  import: {
    id: Generated<number>;
    started_at: number;
    finished_at: number | null;
    actor: string;
    file: string;
    options: string;
    format: Optional<string>;
    inserted: Generated<number>;
    superseded: Generated<number>;
    duplicate: Generated<number>;
    rejected: Generated<number>;
    skipped: Generated<number>;
    first_event: Optional<number>;
    last_event: Optional<number>;
    undone_at: Optional<number>;
  };
  price: Versioned & {
    provider: string;
    model: string;
    starts_at: number;
    input: number | null;
    cache_read: number | null;
    cache_write: number | null;
    output: number | null;
    image: number | null;
    request: number | null;
  };
  reset_run: {
    day: number;
    ran_at: number;
    actor: string;
    holds_ended: number;
    overrides_ended: number;
    stops_ended: number;
  };
  client: { kind: string; host: string; fail_open: number; pid: number; opened_at: number };
  job_lease: { name: string; holder: string; expires_at: number };
}

export interface Versioned {
  id: Generated<number>;
  valid_from: number;
  valid_to: Optional<number>;
}

/** A column that is null unless a value is given. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

export type Db = Kysely<Schema>;
