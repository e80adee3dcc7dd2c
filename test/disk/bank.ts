/** A gateway of accounts that are kept and of tallies that are not, as a process of its own, whose files can be broken. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { request } from 'undici'
import { type ProgramOptions, startGateway } from '../cli/gateway-process.js'
import type { Fault } from './break-file.js'
import type { Order } from './breakable.js'

const directory = fileURLToPath(new URL('./implementations', import.meta.url))

export interface Told {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  readonly body: any
}

export const full = { status: 503, body: { code: 'storage_failed', effect: 'none' } }
export const failed = { status: 503, body: { code: 'storage_failed' } }

export async function openBank(
  t: Test,
  data: string,
  { threads = 1, ...options }: ProgramOptions & { readonly threads?: number; readonly drainDelay?: number } = {},
) {
  const flags = ['--implementations', directory, '--data', data, '--threads', String(threads)]
  const delay = ['--drain-delay', String(options.drainDelay ?? 0)]
  const preload = new URL('./breakable.js', import.meta.url)
  const gateway = await startGateway(t, [...flags, ...delay], {}, { preload, ...options })
  const { url, child, ended } = gateway
  const ask = async (path: string, body?: object): Promise<Told> => {
    const sent =
      body && ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } as const)
    // A connection of its own: one that was kept may be closed at any time for being idle.
    const answer = await request(url + path, { ...sent, reset: true })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }
  return {
    ...gateway,
    ask,
    start: (implementation: string, id: string) => ask('/servers', { implementation, id }),
    call: (id: string, message: string, args: object = {}) => ask(`/servers/${id}/call`, { message, args }),
    cast: (id: string, message: string, args: object = {}) => ask(`/servers/${id}/cast`, { message, args }),
    /** `undefined` mends it. */
    break: (name: string, fault: Fault | undefined) =>
      new Promise<void>((resolve) => {
        child.once('message', () => resolve())
        child.send({ file: join(data, name), fault } satisfies Order)
      }),
    async close() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

export type Bank = Awaited<ReturnType<typeof openBank>>

/** Asks until it is answered so; gives how many milliseconds that took. */
export async function until(ask: () => Promise<Told>, status: number): Promise<number> {
  const before = performance.now()
  while ((await ask()).status !== status);
  return performance.now() - before
}
