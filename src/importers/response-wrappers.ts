import type { Instant } from "../domain/window.js";
import type { Fields, ReadContext } from "./importer.js";
import { isObject, RecordFields } from "./record-fields.js";

/** A provider's response in a record, and the fields that the log has written around or beside it. */
export interface LoggedResponse {
  readonly response: Fields;
  readonly inner: RecordFields;
  readonly outer: RecordFields;
}

/**
 * Finds the response in a record: the record itself, its `response`, or the `response.body` or `result.message` of a
 * batch's output.
 */
export function responseIn(fields: Fields): LoggedResponse {
  const outer = new RecordFields(fields);
  const within = (response: Fields, path: string): LoggedResponse => ({
    response,
    inner: outer.inside(response, path),
    outer,
  });
  const { usage, response, result } = fields;
  if (!isObject(usage) && isObject(response)) {
    return isObject(response.body) ? within(response.body, "response.body") : within(response, "response");
  }
  if (isObject(result) && isObject(result.message)) return within(result.message, "result.message");
  return { response: fields, inner: outer, outer };
}

/** When the response was made, as it says itself under one of these names, or as the log says beside it. */
export function responseTime(
  { inner, outer }: LoggedResponse,
  own: readonly string[],
  context: ReadContext,
  format: string,
): Instant {
  const name = own.find((field) => inner.has(field));
  if (name !== undefined) return inner.time(name, context);
  const logged = outer.pick("timestamp", "created_at");
  if (context.occurredAt === undefined && !outer.has(logged)) {
    const how = `--format ${format}, and --map timestamp=FIELD or --set timestamp=TIME`;
    outer.reject(logged, `is missing, and the response itself states no time: say it with ${how}`);
    return 0;
  }
  return outer.time(logged, context);
}

/** Whose response it is, where the log says so beside it. */
export function responseUser({ outer }: LoggedResponse): string | null {
  return outer.text(outer.pick("user", "user_id"));
}

/** What went wrong, as the response says it; `null` when nothing did. */
export function responseError({ inner }: LoggedResponse): string | null {
  if (!inner.has("error")) return null;
  if (typeof inner.get("error") === "string") return inner.text("error");
  const error = inner.at("error");
  return error.text(error.pick("code", "type")) ?? "error";
}
