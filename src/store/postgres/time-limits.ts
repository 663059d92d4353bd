/**
 * The shorter of a limit of the program's and of one that an address sets for the whole session, where 0 is none: in
 * milliseconds, as the server reads it.
 */
export function shorter(ms: number, ofAddress: number | false | undefined): string {
  // 0 would wait without end.
  const most = Math.max(1, Math.ceil(ms));
  return String(ofAddress ? Math.min(ofAddress, most) : most);
}
