/** What the layout must know of a column, in terminal cells. */
export interface ColumnSize {
  /** What the widest cell takes, the header included. */
  readonly natural: number;
  /** How far the column is shortened to keep its neighbours; null when it may not be shortened at all. */
  readonly least: number | null;
  /** 1: never dropped. The higher, the sooner. */
  readonly priority: number;
}

/** The columns that stay, as indexes in their order, and the width of each. */
export interface ColumnLayout {
  readonly kept: readonly number[];
  readonly widths: readonly number[];
}

/** Shortened to less than this, a text says nothing any more. */
const LAST_RESORT = 4;

/**
 * Fits columns into `width` cells with `gap` between them. Columns that may be shortened give way first, down to
 * their least width; then columns are dropped, the highest priority number first and of equals the rightmost; then
 * shortening goes to the last resort. Null when even that does not fit.
 */
export function layOutColumns(sizes: readonly ColumnSize[], width: number, gap: number): ColumnLayout | null {
  let kept = sizes.map((_, index) => index);
  const fits = (least: (size: ColumnSize) => number) =>
    sum(kept.map((index) => least(sizes[index]!))) + gap * (kept.length - 1) <= width;

  while (!fits(comfortable)) {
    const victim = nextToDrop(kept, sizes);
    if (victim === null || kept.length === 1) break;
    kept = kept.filter((index) => index !== victim);
  }

  const least = fits(comfortable) ? comfortable : lastResort;
  if (!fits(least)) return null;
  const room = width - gap * (kept.length - 1);
  const limits = kept.map((index) => ({ natural: sizes[index]!.natural, least: least(sizes[index]!) }));
  return { kept, widths: shareOut(limits, room) };
}

function comfortable({ natural, least }: ColumnSize): number {
  return Math.min(natural, least ?? natural);
}

function lastResort({ natural, least }: ColumnSize): number {
  return least === null ? natural : Math.min(natural, least, LAST_RESORT);
}

function nextToDrop(kept: readonly number[], sizes: readonly ColumnSize[]): number | null {
  let victim: number | null = null;
  for (const index of kept) {
    const { priority } = sizes[index]!;
    if (priority > 1 && (victim === null || priority >= sizes[victim]!.priority)) victim = index;
  }
  return victim;
}

/** Takes from the widest first: all columns are cut at one common level, the highest that fits into `room`. */
function shareOut(limits: readonly { natural: number; least: number }[], room: number): number[] {
  const cutAt = (level: number) =>
    limits.map(({ natural, least }) => Math.max(least, Math.min(natural, level)));
  let low = 0;
  let high = Math.max(0, ...limits.map(({ natural }) => natural));
  if (sum(cutAt(high)) <= room) return cutAt(high);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (sum(cutAt(middle)) <= room) low = middle;
    else high = middle;
  }
  const widths = cutAt(low);
  let spare = room - sum(widths);
  return widths.map((width, index) => {
    if (spare === 0 || width >= limits[index]!.natural) return width;
    spare -= 1;
    return width + 1;
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
