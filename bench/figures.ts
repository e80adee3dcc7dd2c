/** Medians and quartiles: single runs differ too much on a shared machine for a mean to say anything. */

export interface Quartiles {
  readonly lower: number
  readonly median: number
  readonly upper: number
}

export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = Float64Array.from(values).sort()
  return { lower: quantile(sorted, 0.25), median: quantile(sorted, 0.5), upper: quantile(sorted, 0.75) }
}

export function medianOf(values: readonly number[]): number {
  return quartilesOf(values).median
}

/** Between two values the quantile lies where a straight line puts it. */
export function quantile(sorted: Float64Array, part: number): number {
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}
