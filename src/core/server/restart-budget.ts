/**
 * How often a server may restart before it is given up (OTP: restart intensity): more than `maxRestarts` crashes within
 * `maxSeconds` are too many. A pure function over the times of the past restarts.
 */
export interface RestartBudget {
  readonly maxRestarts: number
  readonly maxSeconds: number
}

/**
 * The times that still count, with `now` among them, or `undefined` if the budget is used up. Times are in milliseconds;
 * a restart exactly `maxSeconds` ago still counts, as in OTP.
 */
export function spend(budget: RestartBudget, past: readonly number[], now: number): number[] | undefined {
  const times = [...past.filter((time) => now - time <= budget.maxSeconds * 1000), now]
  return times.length > budget.maxRestarts ? undefined : times
}
