/**
 * Which siblings fall with a child that died, and who is started again (OTP: restart strategies). Pure: tested as a table.
 */
export const STRATEGIES = ['oneForOne', 'oneForAll', 'restForOne'] as const

/** Who is restarted with a child: nobody else, all, or those that were started after it. */
export type Strategy = (typeof STRATEGIES)[number]

export interface Fallout {
  /** Who is taken down, in this order: the last that was started falls first. */
  readonly stop: readonly string[]
  /** Who is started again, in this order; the one that died among them. */
  readonly start: readonly string[]
}

/** `children` in the order of their start. */
export function fallout(strategy: Strategy, children: readonly string[], died: string): Fallout {
  if (strategy === 'oneForOne') return { stop: [], start: [died] }
  const start = strategy === 'oneForAll' ? children : children.slice(children.indexOf(died))
  return { stop: start.filter((id) => id !== died).reverse(), start }
}
