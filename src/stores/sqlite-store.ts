/**
 * The embedded store: SQLite, which does all its work before it returns, so that this runs in a thread of its own
 * (`store-thread.ts`).
 *
 * 1. One transaction keeps all that is committed together, and is on disk when it has returned (WAL, `synchronous=FULL`).
 * 2. Nobody else can open the file meanwhile (`locking_mode=EXCLUSIVE`).
 * 3. After an error of the disk nothing is committed any more: what the system has taken back may not be told from what is kept.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import Database from 'libsql'
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
import { migrate } from './schema.js'
import { StateIndexes } from './state-indexes.js'
import { prepareStatements, type Statements } from './statements.js'

export class SqliteStore {
  readonly #database: Database.Database
  readonly #statements: Statements
  readonly #indexes: StateIndexes
  #failure: StoreFailed | undefined = undefined

  /** @throws {Error} in one sentence, if the file is no such store, is of a later version, or is in use. */
  constructor(readonly file: string) {
    this.#database = openDatabase(file)
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
    if (this.#failure !== undefined) throw this.#failure // 3
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      work()
      this.#database.exec('COMMIT') // 1
    } catch (error) {
      throw this.#failed(error as Error & { readonly code?: string })
    }
  }

  #failed(error: Error & { readonly code?: string }): Error {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // The failure has rolled it back.
    }
    if (error.code === 'SQLITE_FULL') return new StoreFull(error.message)
    this.#failure = new StoreFailed(`${error.code ?? 'error'}: ${error.message}`)
    return this.#failure
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

  load(id: string): Kept | undefined {
    const { all } = this.#statements
    const [server] = all<KeptServer>('serverOf', id)
    if (server === undefined) return undefined
    const [last] = all<{ seq: number }>('lastCast')
    return {
      server,
      casts: all<KeptCast>('castsOf', id),
      timers: all<KeptTimer>('timersOf', id),
      upTo: last?.seq ?? 0,
    }
  }

  briefs(ids: readonly string[]): KeptBrief[] {
    const rows = this.#statements.all<KeptBrief>('briefs', JSON.stringify(ids))
    return rows.map((row) => ({ ...row, hasCasts: Boolean(row.hasCasts) }))
  }

  states(ids: readonly string[], most: number): KeptState[] {
    const { all } = this.#statements
    const fitting: string[] = []
    let sum = 0
    // None of them is read for that.
    for (const { id, bytes } of all<{ id: string; bytes: number }>('sizes', JSON.stringify(ids))) {
      sum += bytes
      if (fitting.length > 0 && sum > most) break
      fitting.push(id)
    }
    return all<KeptState>('states', JSON.stringify(fitting))
  }

  servers({ after = '', limit }: PageOptions): KeptName[] {
    return this.#statements.all('servers', after, limit)
  }

  /** @throws {StoreFull} · {StoreFailed} */
  index(properties: ReadonlyMap<string, readonly string[]>): void {
    this.#indexes.declare(properties, (work) => this.#transact(work))
  }

  find(search: Search): Found {
    return this.#indexes.find(search)
  }

  supervisors({ after = '', limit }: PageOptions): KeptSupervisor[] {
    return this.#statements.all('supervisors', after, limit)
  }

  family(id: string): KeptFamily | undefined {
    const { all } = this.#statements
    const [supervisor] = all<KeptSupervisor>('supervisorOf', id)
    if (supervisor === undefined) return undefined
    // SQLite has no booleans.
    const children = all<KeptChild>('childrenOf', id).map(({ isDynamic, isStopped, ...child }) => {
      return { ...child, isDynamic: Boolean(isDynamic), isStopped: Boolean(isStopped) }
    })
    return { supervisor, children }
  }

  exits(since: number, limit: number): KeptExit[] {
    return this.#statements.all<KeptExit>('exits', since, limit).reverse()
  }

  deadLetters(id: string, { after = '0', limit }: PageOptions): DeadLetter[] {
    return this.#statements.all('lettersOf', id, Number(after), limit)
  }

  answer(scope: string, key: string, now: number): KeptAnswer | undefined {
    return this.#statements.all<KeptAnswer>('answerOf', scope, key, now)[0]
  }

  sweep(exitsBefore: number, now: number): void {
    const { run } = this.#statements
    this.#transact(() => {
      run('sweepExits', exitsBefore)
      run('sweepAnswers', now)
    })
  }

  /** It has its name when it is whole. @throws {Error} if the file is there already, or cannot be written. */
  backup(file: string): void {
    if (existsSync(file)) throw new Error(`${file} is there already`)
    const partial = `${file}.partial`
    rmSync(partial, { force: true })
    this.#database.prepare('VACUUM INTO ?').run(partial)
    renameSync(partial, file)
  }

  /** How large the file may become: of pages of 4 KiB. */
  limitPages(most: number): void {
    this.#database.pragma(`max_page_count = ${most}`)
  }

  close(): void {
    this.#database.close()
  }
}

function connect(file: string): Database.Database {
  try {
    return new Database(file)
  } catch (error) {
    throw new Error(`${file} cannot be opened: ${(error as Error).message}`)
  }
}

function openDatabase(file: string): Database.Database {
  const database = connect(file)
  try {
    database.pragma('locking_mode = EXCLUSIVE') // 2
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    // The lock is taken by the first who writes.
    database.exec('BEGIN IMMEDIATE; COMMIT')
    migrate(database)
    return database
  } catch (error) {
    database.close()
    const { code, message } = error as Error & { readonly code?: string }
    if (code === 'SQLITE_BUSY' || message.includes('locked')) throw new Error('it is in use by another process')
    if (code === 'SQLITE_NOTADB') throw new Error('it is no store of this program')
    throw error
  }
}
