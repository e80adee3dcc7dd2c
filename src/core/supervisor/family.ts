/**
 * What a supervisor can do with servers that nobody else can: start them as its own, take them down and let them live again
 * under their ids. The runtime gives it one.
 */
import type { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { Restart } from '../server/options.js'
import type { ChildSpec } from './child-spec.js'

/** What holds for a child: what its spec says, or else its implementation. */
export interface ChildTerms {
  readonly restart: Restart
  readonly shutdown: Shutdown
}

/** Which life of the child runs now; `ignored`: its `init` chose not to start. */
export type Started =
  | { readonly incarnation: number; readonly terms: ChildTerms }
  | { readonly ignored: true; readonly terms: ChildTerms }
  | { readonly failure: GenServerError }

/** The child lives again; its `init` has failed and it waits on; it has ended; there was nobody to revive. */
export type Revived = { readonly incarnation: number } | { readonly reason: Reason } | 'ended' | 'absent'

export type Shutdown = NonNullable<ChildSpec['shutdown']>

export interface Family {
  /** The server `supervisor` is one: from now on it hears of the ends of its children, and does not die of them. */
  found(supervisor: string): void
  start(supervisor: string, spec: ChildSpec): Promise<Started>
  /** Takes a child down that is to live again: its id and what waits in its mailbox stay. */
  hold(supervisor: string, id: string, shutdown: Shutdown): Promise<void>
  /** Lets a child live again that died or is held. */
  revive(supervisor: string, id: string): Promise<Revived>
  /** Ends a child. It runs no more when this resolves. */
  terminate(supervisor: string, id: string, shutdown: Shutdown): Promise<void>
}
