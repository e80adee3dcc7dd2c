/**
 * The same torture inside one process: a gateway before a store that takes its time, and is cut off in the midst of a commit. It goes
 * fast, and the store can have faults on purpose.
 */
import { setImmediate as nextMoment } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { createRuntime, type Runtime } from 'genservers'
import type { Change } from '../../src/adapters.js'
import { createGateway } from '../../src/gateway.js'
import { MemoryStore } from '../../src/stores/memory-store.js'
import { type Book, judge, type Sent, type Verdict } from './history.js'
import book from './implementations/book.js'
import { type Answered, type Line, randomOf, send } from './sender.js'

/** What a store does wrong. */
export type Fault =
  /** It says that a state is kept before it is. */
  | 'early'
  /** It forgets a cast that was done in a commit of its own. */
  | 'twice'
  /** It keeps no answers. */
  | 'forgetful'

/** What one process has of the store, until it is killed. */
class Disk extends MemoryStore {
  isCut = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly kept: MemoryStore,
    private readonly random: () => number,
    private readonly fault: Fault | undefined,
  ) {
    super()
    this.load = (id) => kept.load(id)
    this.briefs = (ids) => kept.briefs(ids)
    this.servers = (options) => kept.servers(options)
    this.exits = (since, limit) => kept.exits(since, limit)
    this.answer = async (scope, key, now) => (fault === 'forgetful' ? undefined : kept.answer(scope, key, now))
  }

  override async commit(changes: readonly Change[]): Promise<readonly number[]> {
    const { fault } = this
    const isNumbered = changes.some(({ kind }) => kind === 'cast')
    if (fault === 'early' && !isNumbered) {
      void this.#writeNow(changes)
      return []
    }
    if (fault !== 'twice') return this.#write(changes)
    const done = changes.filter(({ kind }) => kind === 'castDone')
    const numbers = await this.#write(changes.filter(({ kind }) => kind !== 'castDone'))
    if (done.length > 0) void this.#write(done)
    return numbers
  }

  /** One after the other: another commit may be given meanwhile. */
  #write(changes: readonly Change[]): Promise<readonly number[]> {
    const written = this.#last.then(() => this.#writeNow(changes))
    this.#last = written
    return written
  }

  async #writeNow(changes: readonly Change[]): Promise<readonly number[]> {
    await this.#aMoment()
    if (this.isCut) return never()
    const numbers = await this.kept.commit(changes)
    // It may be cut off when all is written, and nobody has heard of it.
    await this.#aMoment()
    return this.isCut ? never() : numbers
  }

  async #aMoment(): Promise<void> {
    for (let moments = Math.floor(this.random() * 4); moments > 0; moments--) await nextMoment()
  }
}

const never = () => new Promise<never>(() => {})

/** One process. */
class Life implements Line {
  #killed = () => {}
  readonly #death = new Promise<Answered>((resolve) => {
    this.#killed = () => resolve({ fate: 'unknown' })
  })

  private constructor(
    readonly runtime: Runtime,
    private readonly app: FastifyInstance,
    private readonly disk: Disk,
  ) {}

  static async begin(kept: MemoryStore, random: () => number, fault: Fault | undefined): Promise<Life> {
    const disk = new Disk(kept, random, fault)
    const runtime = createRuntime({ implementations: { book }, store: disk })
    await runtime.restore()
    return new Life(runtime, await createGateway(runtime, { docs: false }), disk)
  }

  kill(): void {
    this.disk.isCut = true
    this.#killed()
  }

  call(id: string, message: string, args: object, key?: string): Promise<Answered> {
    return this.#post(`/servers/${id}/call`, { message, args }, key)
  }

  cast(id: string, message: string, args: object, key?: string): Promise<Answered> {
    return this.#post(`/servers/${id}/cast`, { message, args }, key)
  }

  start(id: string, key?: string): Promise<Answered> {
    return this.#post('/servers', { implementation: 'book', id }, key)
  }

  #post(url: string, payload: object, key: string | undefined): Promise<Answered> {
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    const answer = this.app.inject({ method: 'POST', url, payload, headers }).then(({ statusCode, headers, body }) => {
      if (statusCode >= 300) return { fate: JSON.parse(body).effect } as Answered
      const { etag } = headers
      if (etag === undefined) return { fate: 'ok' } as const
      return { fate: 'ok', revision: Number(String(etag).slice(1, -1)), reply: JSON.parse(body).reply } as const
    })
    return Promise.race([answer, this.#death])
  }

  async end(): Promise<void> {
    await this.runtime.close({ timeout: 0 })
    await this.app.close()
  }
}

const SERVERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

export async function simulate(seed: number, kills: number, fault?: Fault): Promise<Verdict> {
  const random = randomOf(seed)
  const kept = new MemoryStore()
  let beginning = Life.begin(kept, random, fault)
  const line: Line = {
    call: async (...message) => (await beginning).call(...message),
    cast: async (...message) => (await beginning).cast(...message),
    start: async (...server) => (await beginning).start(...server),
  }
  for (const id of SERVERS) await line.start(id)
  const history: Sent[] = []
  let isOver = false
  const senders = Array.from({ length: 16 }, (_, i) =>
    send({
      ...{ name: `x${i}`, line, servers: SERVERS, history, isOver: () => isOver, asksAgain: i % 2 === 1 },
      random: randomOf(seed * 1000 + i),
    }),
  )
  for (let kill = 0; kill < kills; kill++) {
    const enough = history.length + Math.ceil(random() * 100)
    while (history.length < enough) await nextMoment()
    // All are answered by one commit, and have just asked again: the next one is under way, or has been written, somewhat later.
    for (let moments = Math.floor(random() * 10); moments > 0; moments--) await nextMoment()
    const killed = await beginning
    beginning = Life.begin(kept, random, fault)
    killed.kill()
  }
  isOver = true
  await Promise.all(senders)
  const life = await beginning
  const ids = [...SERVERS, ...history.flatMap(({ kind, server }) => (kind === 'start' ? server : []))]
  const books = async () => {
    const known = ids.filter((id) => life.runtime.whereis(id) !== undefined)
    const states = await Promise.all(known.map(async (id) => (await life.runtime.state(id)).state as Book))
    return new Map(known.map((id, i) => [id, states[i] as Book]))
  }
  let verdict = judge(history, await books())
  for (let looks = 1; looks < 100 && verdict.lost.length > 0; looks++) {
    await nextMoment()
    verdict = judge(history, await books())
  }
  await life.end()
  return verdict
}
