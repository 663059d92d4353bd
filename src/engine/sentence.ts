import type { Decision } from "../domain/decide.js";
import type { LimitsRequest } from "./live-usage.js";

/** What an application's own message is made from, beside the decision. */
export interface MessageContext {
  readonly request: LimitsRequest;
  /** The zone in which instants are to be told: the request's, else that of the limits, else the accounting zone. */
  readonly zone: string;
  /** The sentence that the decision has without the application's own. */
  readonly sentence: string;
}

/** Makes the sentence that a tester reads. Where it throws, or makes no text, the usual sentence stands. */
export type MessageTemplate = (decision: Decision, context: MessageContext) => string;

/** The decision with a message of the application's own, made when it is read. */
export function inOwnWords(
  decision: Decision,
  template: MessageTemplate,
  request: LimitsRequest,
  zone: () => string,
): Decision {
  // Taken along with its getter: the usual sentence is made only when somebody asks for it.
  const usual = Object.create(null, Object.getOwnPropertyDescriptors(decision)) as Decision;
  return Object.defineProperty(decision, "message", {
    enumerable: true,
    configurable: true,
    get() {
      const { message: sentence } = usual;
      try {
        const own: unknown = template(usual, { request, zone: zone(), sentence });
        return typeof own === "string" ? own : sentence;
      } catch {
        return sentence;
      }
    },
  });
}
