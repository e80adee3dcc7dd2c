/**
 * Keeps one life of a supervisor in a store (see `Chronicle`): its flags in one row, and each child in one of its own.
 *
 * 1. When the life is over nothing of it is written any more: what its children do then is for the next one.
 * 2. What could not be kept is made up for with the next change: then all is written anew.
 */

import { keptTerms } from '../durable/kept-text.js'
import { storageFailed } from '../durable/storage-failed.js'
import type { GenServerError } from '../kernel/errors.js'
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Change } from '../kernel/kept.js'
import type { Server } from '../server/server.js'
import type { Chronicle, Entry, Recalled } from '../supervisor/family.js'

export class FamilyRecord implements Chronicle {
  #now: (() => Recalled) | undefined = undefined
  #isOver = false
  #isStale = false

  constructor(
    private readonly commits: GroupCommit,
    private readonly parent: Server,
  ) {}

  /** What is kept is of this life. */
  get hasBegun(): boolean {
    return this.#now !== undefined
  }

  begin(now: () => Recalled, isRecalled: boolean): void {
    this.#now = now
    if (!isRecalled) {
      this.#all()
      return
    }
    this.flags()
    for (const child of now().children) if (!child.isStopped) this.child(child)
  }

  flags(): void {
    const { id, args, terms, keeper, startedAt, incarnation } = this.parent
    const flags = JSON.stringify(this.#now?.().flags)
    const own = { id, args: JSON.stringify(args), terms: keptTerms(terms), startedAt, incarnation }
    this.#write({ kind: 'supervisor', supervisor: { ...own, flags, supervisor: keeper.supervisor ?? null } })
  }

  child({ spec, terms, place, isDynamic, isStopped }: Entry): void {
    const child = { id: spec.id, place, spec: JSON.stringify(spec), terms: JSON.stringify(terms), isDynamic, isStopped }
    this.#write({ kind: 'child', supervisor: this.parent.id, child })
  }

  /** A child has ended for good. Of a durable one that is known with its end. */
  stopped(id: string): void {
    this.#write({ kind: 'childStopped', id })
  }

  gone(id: string): void {
    this.#write({ kind: 'childGone', supervisor: this.parent.id, id })
  }

  over(): void {
    this.#isOver = true
  }

  /** The supervisor has ended for good. */
  ended(): void {
    this.#isOver = true
    this.#add({ kind: 'supervisorGone', id: this.parent.id })
  }

  kept(): Promise<GenServerError | undefined> {
    const { id } = this.parent
    return new Promise((resolve) =>
      this.commits.whenKept(
        () => resolve(undefined),
        (error) => resolve(storageFailed(id, error)),
      ),
    )
  }

  #all(): void {
    this.#isStale = false
    this.#add({ kind: 'supervisorGone', id: this.parent.id })
    this.flags()
    for (const child of this.#now?.().children ?? []) this.child(child)
  }

  #write(change: Change): void {
    // It has not begun, or is over.
    if (this.#now === undefined || this.#isOver) return // 1
    if (this.#isStale)
      this.#all() // 2
    else this.#add(change)
  }

  #add(change: Change): void {
    this.commits.add(this.parent.id, change)
    this.commits.whenKept(
      () => {},
      () => {
        this.#isStale = true
      },
    )
  }
}
