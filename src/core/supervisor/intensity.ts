/**
 * How often a supervisor may restart children before it gives up (OTP: `supervisor:add_restart/1`): more than `maxRestarts`
 * within `maxSeconds` are too many. Whole seconds are counted, and the first and the last of them belong to the window.
 */
export interface Intensity {
  readonly maxRestarts: number
  readonly maxSeconds: number
}

/** The seconds of the restarts that still count, this one among them, or `undefined` if it is one too many. `now`: milliseconds. */
export function addRestart(intensity: Intensity, past: readonly number[], now: number): number[] | undefined {
  const second = Math.floor(now / 1000)
  const counting = [...past.filter((earlier) => second - earlier <= intensity.maxSeconds), second]
  return counting.length > intensity.maxRestarts ? undefined : counting
}
