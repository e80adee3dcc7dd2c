/**
 * Port: keeps what durable servers must not lose. Nothing of what it is given is told to anybody before it is kept.
 *
 * 1. Changes that are given together are kept together or not at all, and what is given later is not kept before.
 * 2. What is kept outlives the process, and the machine's power.
 */
import type { Change, DeadLetter, Kept, KeptAnswer, KeptBrief, KeptExit } from './kept.js'

/** Where a page of what is kept begins, and how long it may be. */
export interface PageOptions {
  /** Of the last one before it. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface Store {
  /**
   * Resolves when all changes are kept, with the number of each cast among them (`cast`, `letterReplayed`), in their order; 0 for one to
   * nobody, which is not kept.
   * @throws {StoreFull} nothing of it is kept; there may be room again later.
   * @throws {StoreFailed} nothing of it is known to be kept, and nothing will be kept any more.
   */
  commit(changes: readonly Change[]): Promise<readonly number[]>
  load(id: string): Promise<Kept | undefined>
  /** Of those among `ids` that are kept, in whichever order. */
  briefs(ids: readonly string[]): Promise<KeptBrief[]>
  /** Who is kept, in the order of their ids. */
  servers(options: PageOptions): Promise<{ readonly id: string; readonly implementation: string }[]>
  /** How the latest ended, the oldest of them first: at most so many, and none before `since`. */
  exits(since: number, limit: number): Promise<KeptExit[]>
  /** In the order of their numbers; `after` is a number. */
  deadLetters(id: string, options: PageOptions): Promise<DeadLetter[]>
  /** The answer, unless it has expired by `now`. */
  answer(scope: string, key: string, now: number): Promise<KeptAnswer | undefined>
  /** Forgets exits from before `exitsBefore`, and answers that have expired by `now`; some of them, where there are very many. */
  sweep(exitsBefore: number, now: number): Promise<void>
  /** When what was given is kept. Nothing may be given any more. */
  close(): Promise<void>
}

/** There is no room for it. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull'
}

/** Nothing is kept any more. */
export class StoreFailed extends Error {
  override readonly name = 'StoreFailed'
}
