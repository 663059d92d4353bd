import { NumberSet } from "./number-set.js";
import { boundedBy, type Judged, judge, shifted } from "./simulate-judge.js";
import type { AdmittedThen, Happening, RefusedThen, UsedThen } from "./simulate-model.js";
import type { RulesOverTime } from "./simulate-rules.js";
import { addTo, KeptRefusals, type Reason, Tallies } from "./simulate-tally.js";
import { ReplayedUser } from "./simulate-user.js";
import type { Calendar, Instant } from "./window.js";

/** From when on calls are judged, and until when. */
export interface ReplayRange {
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

/** Codes of refusals by quotas; what was refused for another reason would be refused all the same. */
const BY_QUOTA: ReadonlySet<string> = new Set([
  "quota-exhausted",
  "quota-disabled",
  "request-too-large",
  "emergency-limit",
]);

/**
 * Replays calls that asked before they were made, under the limits as they were and as they might have been. A call that
 * was let through is judged by what had been recorded before, and what was in flight; a refused one by what it saw. From
 * both is taken what the simulation has refused before, and added what it has let through. So with the same limits every
 * call has the outcome that it had. Calls that a tester made on another tier are replayed for their windows, and not told of.
 */
export class LiveReplay {
  readonly tallies = new Tallies();
  readonly #users = new Map<number, ReplayedUser>();
  /** The numbers of events whose calls the simulation has refused. */
  readonly #refused = new NumberSet();
  /** Those of them whose calls were made on another tier. */
  readonly #elsewhere = new NumberSet();
  readonly #kept = new KeptRefusals();

  constructor(
    private readonly rules: RulesOverTime,
    private readonly zone: Calendar,
    private readonly range: ReplayRange,
    private readonly concerned: ReadonlySet<number>,
  ) {}

  /** Takes what happened next. */
  take(happening: Happening): void {
    const { userId, at } = happening;
    if (!this.concerned.has(userId)) return;
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = new ReplayedUser(this.zone);
      this.#users.set(userId, user);
    }
    // A decision sees what was recorded strictly before.
    this.#land(user, happening.what === "used" ? at + 1 : at);
    user.advance(at);
    if (happening.what === "admitted") this.#admitted(user, happening);
    else if (happening.what === "refused") this.#refusedThen(user, happening);
    else this.#used(user, happening);
  }

  /** Takes it that nothing happens any more. */
  end(): void {
    for (const user of this.#users.values()) this.#land(user, Number.POSITIVE_INFINITY);
  }

  /**
   * Takes in how often a user was refused on a day altogether. Of a day the first refused calls are kept, so that those
   * beyond were made where the last of them was; where none was kept, the day is left to the tier that it began on.
   */
  addCounted(userId: number, day: number, reason: Reason, count: number): void {
    if (!this.concerned.has(userId)) return;
    const missing = this.#kept.missing(userId, day, reason, count);
    const isOnTier =
      this.#kept.endedOnTier(userId, day) ?? this.rules.isOn(userId, this.zone.window("day", day).start);
    if (missing > 0 && isOnTier) this.tallies.addCounted(userId, day, reason, missing);
  }

  /** What calls in flight have used counts once it was recorded. */
  #land(user: ReplayedUser, before: Instant): void {
    for (const usage of user.landed(before)) {
      user.advance(usage.at);
      this.#used(user, usage);
    }
  }

  #isJudged(at: Instant): boolean {
    return at >= this.range.from && at < this.range.to;
  }

  #admitted(user: ReplayedUser, call: AdmittedThen): void {
    const { userId, at, used } = call;
    const reason = this.#isJudged(at) ? this.#refusalOf(user, call) : null;
    if (this.#isJudged(at) && this.rules.isOn(userId, at)) {
      this.tallies.add(userId, this.zone.dayOf(at), at, null, reason);
    }
    if (reason !== null) this.#refused.add(used.event);
    user.begin(call, reason !== null);
  }

  /** Why a call that was let through would be refused; `null`: it would not. */
  #refusalOf(user: ReplayedUser, { userId, kind, asked, at }: AdmittedThen): Reason | null {
    const rules = this.rules.of(userId, kind, at);
    if (rules === null) return null;
    // That neither was stated is not recorded; who asks for nothing of either has mostly left both out.
    const statesAmounts = asked.tokens > 0 || asked.images > 0;
    const { settings, tier } = rules;
    const seen = user.seen((period, index) => this.rules.forgiven(userId, period, index, at));
    const bounded = boundedBy(rules.quotas, { seen, amounts: asked, statesAmounts }, settings);
    const quotas = rules.changed.filter(
      (quota) =>
        !bounded.impossible.some(
          ({ meter, period, limit, source }) =>
            quota.meter === meter &&
            quota.period === period &&
            (quota.source === "emergency") === (source === "emergency") &&
            quota.limit >= limit,
        ),
    );
    // A ceiling that is as it was has let the call through.
    const callTokens = rules.changedCallTokens === rules.callTokens ? null : rules.changedCallTokens;
    const judged = judge({
      userId,
      tier,
      kind,
      amounts: asked,
      statesAmounts,
      maxTokens: null,
      seen: shifted(bounded.seen, user.shift()),
      quotas,
      callTokens,
      settings,
      at,
    });
    return judged.refused;
  }

  #refusedThen(user: ReplayedUser, call: RefusedThen): void {
    const { userId, day, at, code, meter, seen } = call;
    if (!this.#isJudged(at)) return;
    const was = { code, meter };
    const isOnTier = this.rules.changes(seen);
    this.#kept.add(userId, day, was, isOnTier);
    if (!BY_QUOTA.has(code)) {
      if (isOnTier) this.tallies.add(userId, day, at, was, was);
      return;
    }
    const { refused, amounts } = judge(this.#again(user, call));
    if (isOnTier) this.tallies.add(userId, day, at, was, refused);
    if (refused !== null) return;
    const isGuess = !call.statesAmounts;
    const used = isGuess ? (user.averageCall() ?? amounts) : amounts;
    user.useAnyway(at, used);
    if (!isOnTier) return;
    const tally = this.tallies.of(userId);
    if (isGuess) tally.guessed += 1;
    addTo(tally.admitted, used);
  }

  /** A refused call as it would be judged in the simulation. */
  #again(user: ReplayedUser, call: RefusedThen): Judged {
    const { userId, kind, amounts, statesAmounts, at, seen } = call;
    const isChanged = this.rules.changes({ tier: seen.tier });
    return {
      userId,
      tier: seen.tier,
      kind,
      amounts,
      statesAmounts,
      maxTokens: seen.maxTokens,
      seen: shifted(seen, user.shift()),
      quotas: isChanged ? this.rules.insteadOf(seen.quotas, userId, at) : seen.quotas,
      callTokens: isChanged ? this.rules.ceilingInsteadOf(seen.callTokens, at) : seen.callTokens,
      settings: { ...this.rules.settingsAt(at), block_at: seen.blockAt },
      at,
    };
  }

  #used(user: ReplayedUser, usage: UsedThen): void {
    const { userId, event, amounts, corrects } = usage;
    const isRefused =
      corrects === null
        ? user.land(usage, this.rules.settingsAt(usage.at).hold_ttl) || this.#refused.has(event)
        : this.#refused.has(corrects);
    user.use(usage.occurredAt, amounts, isRefused);
    if (!isRefused) return;
    // A later part of a refused call may be corrected, too.
    this.#refused.add(event);
    if (this.#isElsewhere(usage)) this.#elsewhere.add(event);
    else addTo(this.tallies.of(userId).refused, amounts);
  }

  /** Whether the call that the usage is of was made on another tier. */
  #isElsewhere({ userId, reservedAt, corrects }: UsedThen): boolean {
    if (corrects !== null) return this.#elsewhere.has(corrects);
    return reservedAt !== null && !this.rules.isOn(userId, reservedAt);
  }
}
