/**
 * Characters that steer a terminal or hide in it: controls (C0, DEL, C1), format characters such as bidi overrides,
 * byte order marks and tags, line and paragraph separators, and lone surrogates. The zero-width joiners stay: emoji
 * and several scripts are written with them.
 */
const UNSAFE = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const PLAIN_ASCII = /^[ -~]*$/;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** True when every character is a printable ASCII one, so that length and width are the same. */
export function isPlainAscii(text: string): boolean {
  return PLAIN_ASCII.test(text);
}

/**
 * Makes data safe to show: whatever could move the cursor, colour the screen, reorder the line or stay unseen is
 * replaced by a visible escape (`\u001b`, `\n`, `\u202e`). Logs and testers' names are written by others.
 *
 * @param keep characters to leave as they are, for formats that can carry them (`"\n\t"` in CSV).
 */
export function sanitize(text: string, keep = ""): string {
  if (isPlainAscii(text)) return text;
  return text.replace(UNSAFE, (character) =>
    keep.includes(character) ? character : (SHORT_ESCAPES[character] ?? codePointEscape(character)),
  );
}

/** Replaces the same characters by escapes that a JSON parser turns back; `json` is a JSON string literal. */
export function escapeInJson(json: string): string {
  if (isPlainAscii(json)) return json;
  return json.replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, i) => unitEscape(character, i)).join(""),
  );
}

function codePointEscape(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  return codePoint > 0xffff ? `\\u{${codePoint.toString(16)}}` : unitEscape(character, 0);
}

function unitEscape(character: string, index: number): string {
  return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
}
