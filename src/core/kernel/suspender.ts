/** Who has suspended a process. Each can only end its own suspension, so they are bits, and a process holds their sum. */

/** An operator, who may ask twice and need not come back. */
export const OPERATOR = 1
/** A change of code, for as long as it takes. */
export const CODE_CHANGE = 2

export type Suspender = typeof OPERATOR | typeof CODE_CHANGE
