/** What a scenario found: tables for people, figures for programs, and each target with whether it was met. */

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Target {
  readonly what: string
  readonly figure: number
  readonly unit: string
  /** A bound is one or the other. */
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Outcome {
  readonly table: Table
  readonly targets: readonly Target[]
  /** What the reader must know to trust the figures. */
  readonly warning?: string
  readonly figures: unknown
}

export interface Scenario {
  readonly name: string
  readonly title: string
  run(plan: Plan): Promise<Outcome>
}

/** How long to measure. */
export interface Plan {
  /** Cycles of each side that count. */
  readonly cycles: number
  readonly seconds: number
}

export function isMet({ figure, atLeast, atMost }: Target): boolean {
  return (atLeast === undefined || figure >= atLeast) && (atMost === undefined || figure <= atMost)
}

const LAUNCHES = 6

/**
 * The cycles, over several launches: two processes of one program may differ by a fifth for as long as they live, from
 * where their memory lies and what was compiled first.
 */
export function splitCycles(cycles: number): number[] {
  const each = Math.ceil(cycles / LAUNCHES)
  return Array.from({ length: LAUNCHES }, (_, n) => Math.min(each, cycles - n * each)).filter((part) => part > 0)
}
