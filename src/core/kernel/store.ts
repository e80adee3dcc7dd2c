/**
 * Port: keeps what durable servers must not lose. Nothing of what it is given is told to anybody before it is kept.
 *
 * 1. Changes that are given together are kept together or not at all, and what is given later is not kept before.
 * 2. What is kept outlives the process, and the machine's power.
 */
import type {
  Change,
  DeadLetter,
  Kept,
  KeptAnswer,
  KeptBrief,
  KeptExit,
  KeptFamily,
  KeptName,
  KeptState,
  KeptSupervisor,
} from './kept.js'

/**
 * Commits that build on each other, in the order in which they are given: when there is no room for one of them, there is none for all
 * that come after it. Chains follow each other: a new one begins when the last is broken.
 */
export class CommitChain {
  // So that nothing else is taken for one.
  declare private readonly brand: never
}

/** Where a page of what is kept begins, and how long it may be. */
export interface PageOptions {
  /** Of the last one before it. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Servers of an implementation in whose states each of these properties has this value. */
export interface Search extends PageOptions {
  readonly implementation: string
  readonly where: readonly [Condition, ...Condition[]]
}

export interface Condition {
  readonly property: string
  /** A string, number, boolean or `null`, as JSON. */
  readonly value: string
}

export interface Found {
  /** In their order. There may be fewer than asked for, or none, also where this is not the last page. */
  readonly ids: readonly string[]
  /** `after` of the next page, if there may be one. */
  readonly next?: string
}

export interface Store {
  /**
   * Resolves when all changes are kept, with the number of each cast among them (`cast`, `letterReplayed`), in their order; 0 for one to
   * nobody, which is not kept. Nobody need wait for it before the next one is given.
   * @throws {StoreFull} nothing of it is kept, nor of what comes later in its chain; there may be room again later.
   * @throws {StoreFailed} nothing of it is known to be kept, and nothing will be kept any more.
   */
  commit(changes: readonly Change[], chain?: CommitChain): Promise<readonly number[]>
  load(id: string): Promise<Kept | undefined>
  /** Of those among `ids` that are kept, in whichever order. */
  briefs(ids: readonly string[]): Promise<KeptBrief[]>
  /**
   * Of those among `ids` that are kept, in the order of their ids: the first, and as many more as have `most` bytes with it. None, where
   * none of them is kept.
   */
  states(ids: readonly string[], most: number): Promise<KeptState[]>
  /** Who is kept, in the order of their ids. */
  servers(options: PageOptions): Promise<KeptName[]>
  /**
   * By which properties of their states servers of each implementation are found from now on, and by no others.
   * @throws {StoreFull} · {StoreFailed} and they are found as before.
   */
  index(properties: ReadonlyMap<string, readonly string[]>): Promise<void>
  /** @throws {Error} if one of the properties is not indexed. */
  find(search: Search): Promise<Found>
  /** Who is kept of the supervisors, in the order of their ids. */
  supervisors(options: PageOptions): Promise<KeptSupervisor[]>
  family(supervisor: string): Promise<KeptFamily | undefined>
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

/** What is to be kept builds on what was not. */
export function builtOnLost(): StoreFull {
  return new StoreFull('what it builds on was not kept, for want of room')
}

/** Nothing is kept any more. */
export class StoreFailed extends Error {
  override readonly name = 'StoreFailed'
}
