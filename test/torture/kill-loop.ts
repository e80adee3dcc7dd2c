/** Kills a gateway of durable servers again and again while clients are at work (reliability T1), and judges what is left. */
import { fileURLToPath } from 'node:url'
import { runProgram } from '../cli/gateway-process.js'
import { judgeAtRest, startAll } from './books.js'
import type { Sent, Verdict } from './history.js'
import { HttpLine } from './http-line.js'
import { randomOf, send } from './sender.js'

const directory = fileURLToPath(new URL('./implementations', import.meta.url))

export interface KillLoopOptions {
  readonly kills: number
  /** Acknowledgements between two of them, on average. */
  readonly between: number
  readonly seed: number
  /** A directory of its own. */
  readonly data: string
  /** Servers that nobody asks anything. */
  readonly idle?: number
  readonly threads?: number
  /** At the end of all. */
  teardown(end: () => unknown): void
}

export interface KillLoopResult extends Verdict {
  /** Milliseconds from each start of the program until it listened. */
  readonly readyAfter: readonly number[]
}

const CLIENTS = 16
const SENDERS_OF_EACH = 4
const SERVERS = 100

export async function killLoop(options: KillLoopOptions): Promise<KillLoopResult> {
  const { kills, between, seed, data, idle = 0, threads = 1 } = options
  const random = randomOf(seed)
  const readyAfter: number[] = []
  let port = 0
  const begin = async () => {
    const before = performance.now()
    const flags = ['--port', String(port), '--implementations', directory, '--data', data, '--threads', String(threads)]
    const gateway = runProgram(options, [...flags, '--log-level', 'info', '--max-queued', '1000000'])
    const { url } = await gateway.line((said) => said.url !== undefined)
    readyAfter.push(performance.now() - before)
    port = Number(new URL(url as string).port)
    return gateway
  }

  let gateway = await begin()
  const line = new HttpLine(`http://127.0.0.1:${port}`)
  options.teardown(() => line.close())
  const servers = Array.from({ length: SERVERS }, (_, i) => `s${i}`)
  await startAll(line, [...servers, ...Array.from({ length: idle }, (_, i) => `idle-${i}`)])

  const history: Sent[] = []
  let isOver = false
  const senders = Array.from({ length: CLIENTS * SENDERS_OF_EACH }, (_, i) =>
    send({
      ...{ name: `c${i}`, line, servers, history, isOver: () => isOver, asksAgain: i % 2 === 1 },
      random: randomOf(seed * 1000 + i),
    }),
  )
  for (let kill = 0; kill < kills; kill++) {
    const enough = history.length + Math.ceil(random() * 2 * between)
    while (history.length < enough) await new Promise((resolve) => setImmediate(resolve))
    line.down()
    gateway.child.kill('SIGKILL')
    await gateway.ended
    gateway = await begin()
    line.up()
  }
  isOver = true
  await Promise.all(senders)
  const verdict = await judgeAtRest(line, history, servers)
  gateway.child.kill('SIGTERM')
  await gateway.ended
  return { ...verdict, readyAfter }
}
