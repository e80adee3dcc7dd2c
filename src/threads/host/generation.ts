/**
 * One thread, from its begin to its end. It may begin before anybody needs it: what it says until it is adopted waits. After
 * `giveUp` nobody hears it any more.
 *
 * 1. It is spoken with by a port of its own: what user code does with `parentPort` is heard by nobody, and hears nothing.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { Board } from '../wire/board.js'
import type { FromNode } from '../wire/messages.js'
import { type Packed, unpack } from '../wire/packing.js'
import type { Begin, ThreadData } from '../wire/thread-data.js'
import { Hearing } from './hearing.js'

export interface GenerationTerms {
  readonly data: Omit<ThreadData, 'memory' | 'port'>
  /** Megabytes; 0 is Node's own bound. */
  readonly heap: number
  readonly execArgv: readonly string[] | undefined
}

/** Whoever works with the thread. */
export interface Adopter {
  heard(said: readonly FromNode[]): void
  /** It has ended by itself. */
  ended(error: Error | undefined): void
}

export class Generation {
  readonly board = new Board()
  #worker: Worker | undefined = undefined
  #port: MessagePort | undefined = undefined
  #adopter: Adopter | undefined = undefined
  #early: FromNode[] = []
  readonly #hearing = new Hearing((said) => {
    if (this.#adopter === undefined) this.#early.push(...said)
    else this.#adopter.heard(said)
  })
  #hasEnded = false
  #failure: Error | undefined = undefined

  constructor(private readonly terms: GenerationTerms) {}

  /** Twice is as once. Gives the port by which it hears. */
  begin(): MessagePort {
    if (this.#port !== undefined) return this.#port
    const { data, heap, execArgv } = this.terms
    const { port1: ours, port2: port } = new MessageChannel()
    const worker = new Worker(new URL('../node/thread.js', import.meta.url), {
      name: 'genservers',
      workerData: { ...data, memory: this.board.memory, port } satisfies ThreadData,
      transferList: [port],
      ...(execArgv !== undefined && { execArgv: [...execArgv] }),
      ...(heap > 0 && { resourceLimits: { maxOldGenerationSizeMb: heap } }),
    })
    const hear = (packed: readonly Packed<FromNode>[]) => this.#hearing.push(packed.map(unpack))
    ours.on('message', hear)
    worker.on('error', (error) => {
      this.#failure = error
    })
    worker.on('exit', () => {
      // The end may be known before all that was said.
      for (let last = receiveMessageOnPort(ours); last !== undefined; last = receiveMessageOnPort(ours))
        hear(last.message)
      this.#hearing.hearAll()
      ours.close()
      this.#hasEnded = true
      this.#adopter?.ended(this.#failure)
    })
    this.#worker = worker
    this.#port = ours
    return ours
  }

  /** Not all that it has said has been heard. */
  get isUnheard(): boolean {
    return this.#hearing.isBehind
  }

  /** It is this node from now on. Nothing must be sent to it before it says that it is ready. */
  adopt(node: string, adopter: Adopter): void {
    this.#adopter = adopter
    this.begin().postMessage({ node } satisfies Begin)
    const early = this.#early.splice(0)
    if (early.length > 0) adopter.heard(early)
    // Whoever has heard that may have given it up.
    if (this.#hasEnded) this.#adopter?.ended(this.#failure)
  }

  /** Ends it, whatever it is doing; that may take its time. Resolves when it is no more. */
  async giveUp(): Promise<void> {
    this.#adopter = { heard() {}, ended() {} }
    await this.#worker?.terminate()
  }

  /** Resolves when it has ended by itself. */
  ended(): Promise<void> {
    return new Promise((resolve) => this.#worker?.once('exit', () => resolve()))
  }
}
