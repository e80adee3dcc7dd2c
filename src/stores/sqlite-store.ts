/**
 * The embedded store: SQLite, which does all its work before it returns, so that this runs in a thread of its own
 * (`store-thread.ts`).
 *
 * 1. One transaction keeps all that is committed together, and is on disk when it has returned (`open-database.ts`).
 * 2. After an error of the disk nothing is committed any more: what the system has taken back may not be told from what is kept, nor
 *    what was read from what could not be.
 * 3. But for a write that was refused, which leaves nothing that counts: what is committed has a checksum, and comes last.
 */
import { rmSync } from 'node:fs'
import type Database from 'libsql'
import {
  type Change,
  type DeadLetter,
  type Found,
  type Kept,
  type KeptAnswer,
  type KeptBrief,
  type KeptCast,
  type KeptChild,
  type KeptExit,
  type KeptFamily,
  type KeptName,
  type KeptServer,
  type KeptState,
  type KeptSupervisor,
  type KeptTimer,
  type PageOptions,
  type Search,
  StoreFailed,
  StoreFull,
} from '../adapters.js'
import { copyInto } from './copy-store.js'
import { mustBeWhole, mustBeWholeBrief } from './must-be-whole.js'
import { openDatabase } from './open-database.js'
import { migrate } from './schema.js'
import { StateIndexes } from './state-indexes.js'
import { prepareStatements, type Statements } from './statements.js'

/** ENOSPC; and EDQUOT, EFBIG or another refusal to write, which SQLite does not tell apart. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE'])

type DiskError = Error & { readonly code?: string }

export class SqliteStore {
  readonly #database: Database.Database
  readonly #statements: Statements
  readonly #indexes: StateIndexes
  #failure: StoreFailed | undefined = undefined

  /** @throws {Error} in one sentence, if the file is no such store, or is of a later version · {StoreInUse} */
  constructor(readonly file: string) {
    this.#database = openDatabase(file)
    migrate(this.#database)
    this.#statements = prepareStatements(this.#database)
    this.#indexes = new StateIndexes(this.#database)
  }

  /** Gives the numbers of the casts among them. @throws {StoreFull} · {StoreFailed} */
  commit(changes: readonly Change[]): number[] {
    const numbers: number[] = []
    this.#transact(() => {
      for (const change of changes) {
        const number = this.#apply(change)
        if (number !== undefined) numbers.push(number)
      }
    })
    return numbers
  }

  #transact(work: () => void): void {
    if (this.#failure !== undefined) throw this.#failure // 2
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      work()
      this.#database.exec('COMMIT') // 1
    } catch (error) {
      throw this.#failed(error as DiskError)
    }
  }

  #failed(error: DiskError): Error {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // The failure has rolled it back.
    }
    const why = `${error.code ?? 'error'}: ${error.message}`
    if (NO_ROOM.has(error.code)) return new StoreFull(why) // 3
    this.#failure = new StoreFailed(why)
    return this.#failure
  }

  #read<Row>(...query: Parameters<Statements['all']>): Row[] {
    return this.#reading(() => this.#statements.all(...query))
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      const { code, message } = error as DiskError
      // No failure of the disk: what was read is damaged, or cannot be asked for.
      if (code === undefined) throw error
      this.#failure ??= new StoreFailed(`${code}: ${message}`)
      throw this.#failure // 2
    }
  }

  /** Gives the number of a cast. */
  #apply(change: Change): number | undefined {
    const { run, add } = this.#statements
    switch (change.kind) {
      case 'server': {
        const { id, implementation, version, args, terms, supervisor, startedAt } = change.server
        const { incarnation, restarts, revision, state } = change.server
        const start = [id, implementation, version, args, terms, supervisor, startedAt]
        return run('server', ...start, incarnation, restarts, revision, state)
      }
      case 'state':
        return run('state', change.revision, change.state, change.id)
      case 'version':
        return run('version', change.version, change.id)
      case 'migrated': {
        const { of, to } = change
        return run('migrated', to.version, to.revision, to.state, of.id, of.version, of.revision)
      }
      case 'life':
        return run('life', change.incarnation, change.restarts, change.id)
      case 'end':
        return this.#end(change.exit)
      case 'cast': {
        const { message, args, origin, ifMatch, answerTo, attempts } = change.cast
        return add('cast', change.id, message, args, origin, ifMatch, answerTo, attempts)
      }
      case 'castDone':
        return run('castDone', change.seq)
      case 'castTaken':
        return run('castTaken', change.attempts, change.seq)
      case 'castDead':
        run('letter', change.at, change.reason, change.seq)
        return run('castDone', change.seq)
      case 'letterReplayed': {
        const number = add('replay', change.seq)
        run('letterDone', change.seq)
        return number
      }
      case 'letterDiscarded':
        return run('letterDone', change.seq)
      case 'timer': {
        const { ref, kind, due, message, args, origin, ifMatch } = change.timer
        return run('timer', change.id, ref, kind, due, message, args, origin, ifMatch)
      }
      case 'timerDone':
        return run('timerDone', change.id, change.ref)
      case 'timersDone':
        return run('timersDone', change.id)
      case 'answer': {
        const { scope, key, fingerprint, expires, outcome } = change.answer
        return run('answer', scope, key, fingerprint, expires, outcome)
      }
      case 'supervisor': {
        const { id, args, flags, terms, supervisor, startedAt, incarnation } = change.supervisor
        return run('supervisor', id, args, flags, terms, supervisor, startedAt, incarnation)
      }
      case 'supervisorGone':
        run('supervisorDone', change.id)
        return run('childrenDone', change.id)
      case 'child': {
        const { id, place, spec, terms, isDynamic, isStopped } = change.child
        return run('child', change.supervisor, id, place, spec, terms, Number(isDynamic), Number(isStopped))
      }
      case 'childStopped':
        return run('childStopped', change.id)
      case 'childGone':
        return run('childDone', change.supervisor, change.id)
    }
  }

  #end({ id, implementation, reason, at, incarnation, revision }: KeptExit): undefined {
    const { run } = this.#statements
    for (const own of ['serverDone', 'castsDone', 'lettersDone', 'timersDone', 'childStopped'] as const) run(own, id)
    return run('exit', id, implementation, reason, at, incarnation, revision)
  }

  /** @throws {StoreFailed} · {Damaged} */
  load(id: string): Kept | undefined {
    const [server] = this.#read<KeptServer>('serverOf', id)
    if (server === undefined) return undefined
    const [last] = this.#read<{ seq: number }>('lastCast')
    const casts = this.#read<KeptCast>('castsOf', id)
    const timers = this.#read<KeptTimer>('timersOf', id)
    const kept = { server, casts, timers, upTo: last?.seq ?? 0 }
    mustBeWhole(kept)
    return kept
  }

  briefs(ids: readonly string[]): KeptBrief[] {
    const rows = this.#read<KeptBrief>('briefs', JSON.stringify(ids))
    rows.forEach(mustBeWholeBrief)
    return rows.map((row) => ({ ...row, hasCasts: Boolean(row.hasCasts) }))
  }

  states(ids: readonly string[], most: number): KeptState[] {
    const fitting: string[] = []
    let sum = 0
    // None of them is read for that.
    for (const { id, bytes } of this.#read<{ id: string; bytes: number }>('sizes', JSON.stringify(ids))) {
      sum += bytes
      if (fitting.length > 0 && sum > most) break
      fitting.push(id)
    }
    return this.#read<KeptState>('states', JSON.stringify(fitting))
  }

  servers({ after = '', limit }: PageOptions): KeptName[] {
    return this.#read('servers', after, limit)
  }

  /** @throws {StoreFull} · {StoreFailed} */
  index(properties: ReadonlyMap<string, readonly string[]>): void {
    this.#indexes.declare(properties, (work) => this.#transact(work))
  }

  find(search: Search): Found {
    return this.#reading(() => this.#indexes.find(search))
  }

  supervisors({ after = '', limit }: PageOptions): KeptSupervisor[] {
    return this.#read('supervisors', after, limit)
  }

  family(id: string): KeptFamily | undefined {
    const [supervisor] = this.#read<KeptSupervisor>('supervisorOf', id)
    if (supervisor === undefined) return undefined
    // SQLite has no booleans.
    const children = this.#read<KeptChild>('childrenOf', id).map(({ isDynamic, isStopped, ...child }) => {
      return { ...child, isDynamic: Boolean(isDynamic), isStopped: Boolean(isStopped) }
    })
    return { supervisor, children }
  }

  exits(since: number, limit: number): KeptExit[] {
    return this.#read<KeptExit>('exits', since, limit).reverse()
  }

  deadLetters(id: string, { after = '0', limit }: PageOptions): DeadLetter[] {
    return this.#read('lettersOf', id, Number(after), limit)
  }

  answer(scope: string, key: string, now: number): KeptAnswer | undefined {
    return this.#read<KeptAnswer>('answerOf', scope, key, now)[0]
  }

  sweep(exitsBefore: number, now: number): void {
    const { run } = this.#statements
    this.#transact(() => {
      run('sweepExits', exitsBefore)
      run('sweepAnswers', now)
    })
  }

  /**
   * Writes all that is kept into a new file, of which nobody knows yet whether it is on disk.
   * @throws {Error} if it cannot be written. The store goes on.
   */
  backup(file: string): void {
    try {
      copyInto(this.#database, file)
    } catch (error) {
      // Before anything else is to be kept: it may have taken the last room.
      rmSync(file, { force: true })
      throw error
    }
  }

  /** How large the file may become: of pages of 4 KiB. */
  limitPages(most: number): void {
    this.#database.pragma(`max_page_count = ${most}`)
  }

  close(): void {
    this.#database.close()
  }
}
