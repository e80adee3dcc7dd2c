/** What is said to the thread of a store, and what it answers. */
import type { MessagePort } from 'node:worker_threads'
import { StoreFailed, StoreFull } from '../adapters.js'
import type { SqliteStore } from './sqlite-store.js'
import { StoreInUse } from './store-not-opened.js'

/** What the thread is started with. */
export interface StoreThreadData {
  readonly file: string
}

/** What a store can be asked: a member of it, with its arguments. */
export type StoreMember = Exclude<keyof SqliteStore, 'file' | 'limitPages' | 'close'>

/** Whoever asks knows its question by a number. */
export interface StoreQuestion {
  readonly n: number
  readonly what: StoreMember
  readonly args: readonly unknown[]
}

/** By the owner of the thread: others may ask by a port of their own, and one of them may not any more. */
export type StoreOrder =
  | { readonly order: 'connect'; readonly connection: number; readonly port: MessagePort }
  | { readonly order: 'fence'; readonly n: number; readonly connection: number }
  | { readonly order: 'close'; readonly n: number }

export type StoreAnswer =
  | { readonly n: number; readonly value: unknown }
  | { readonly n: number; readonly failure: StoreFailure }

/** What is cloned loses its class. */
export interface StoreFailure {
  readonly kind: 'full' | 'failed' | 'inUse' | 'other'
  readonly message: string
}

export function carryFailure(error: unknown): StoreFailure {
  return { kind: kindOf(error), message: (error as Error).message }
}

export function uncarryFailure({ kind, message }: StoreFailure): Error {
  if (kind === 'full') return new StoreFull(message)
  if (kind === 'inUse') return new StoreInUse()
  return kind === 'failed' ? new StoreFailed(message) : new Error(message)
}

function kindOf(error: unknown): StoreFailure['kind'] {
  if (error instanceof StoreFull) return 'full'
  if (error instanceof StoreInUse) return 'inUse'
  return error instanceof StoreFailed ? 'failed' : 'other'
}
