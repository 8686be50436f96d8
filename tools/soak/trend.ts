export interface Point {
  /** Milliseconds. */
  readonly at: number
  readonly value: number
}

/** What a value grows by in a minute: the slope of the straight line that fits best. */
export function perMinute(points: readonly Point[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length
  const at = mean(points.map((each) => each.at))
  const value = mean(points.map((each) => each.value))
  const above = points.reduce((sum, each) => sum + (each.at - at) * (each.value - value), 0)
  const below = points.reduce((sum, each) => sum + (each.at - at) ** 2, 0)
  return below === 0 ? 0 : (above / below) * 60_000
}
