/**
 * A gateway on a real socket for the fuzz: the bundled implementations and the hostile one, the machine's clock, and a
 * few servers of each that `refresh` brings back whenever the fuzz has ended them.
 */
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  type Clock,
  type ClockTimer,
  GenServerError,
  type Host,
  type Logger,
  type StartOptions,
  silentLogger,
  systemClock,
} from 'genservers'
import { backupOnRequest } from '../../src/cli/backing-up.js'
import { reloadOnRequest } from '../../src/cli/reloading.js'
import { createGateway } from '../../src/gateway.js'
import type { Reload } from '../../src/http/reload.js'
import { bundledDirectory } from '../../src/loading/bundled-directory.js'
import { createRuntimeOf, loadImplementations } from '../../src/loading/load-implementations.js'
import { reloadImplementation } from '../../src/loading/reload.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { limits } from '../threads/hosts.js'

/** What the servers are started with, where their implementation needs to be told. */
const args: Readonly<Record<string, object>> = {
  checkout: { articles: [{ stock: 'stock-1', quantity: 1 }] },
  session: { user: 'ada' },
  stock: { quantity: 1000 },
  template: { seconds: 1000 },
  hostile: { init: 'ok' },
}

/** Some give way sooner than others, or begin anew each time. */
const terms: Readonly<Record<string, StartOptions>> = {
  'hostile-2': { mailbox: 1 },
  'hostile-3': { restartFrom: 'init' },
  'hostile-4': { restart: 'permanent', mailbox: 2 },
}

/** One group has them all, another the first of each implementation. */
const labelsOf = (id: string) => (id.endsWith('-1') ? ['all', 'some'] : ['all'])

/** More servers than this are swept up: the fuzz starts them without end. */
const MOST_SERVERS = 300

export interface FuzzedGateway {
  readonly port: number
  readonly origin: string
  readonly document: object
  readonly host: Host
  /** Ids of servers that are there, by implementation. */
  readonly ids: ReadonlyMap<string, readonly string[]>
  /** What was logged that must not happen: bugs of the gateway, and crashes of any server that is not a hostile one. */
  readonly bugs: object[]
  /** Starts what is missing, resumes what is suspended, kills what is stuck for good, and sweeps up what is too much. */
  refresh(): Promise<void>
  /** Resolves when everything has ended, the connections too, with how many timers are left. */
  close(): Promise<number>
}

/** With its servers in so many threads; 0: in this one. */
export async function openFuzzedGateway(threads = 0): Promise<FuzzedGateway> {
  const bugs: object[] = []
  const logger = bugLogger(bugs)
  const timers = new Set<ClockTimer>()
  const { host, reload } = await open(threads, logger, countTimers(timers))
  const app = await createGateway(host, {
    ...{ logger, reload: reloadOnRequest(reload) },
    backup: backupOnRequest(() => undefined, logger),
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const names = [...host.implementations.keys()]
  const ids = new Map(
    names.map((name) => [name, [1, 2, ...(name === 'hostile' ? [3, 4] : [])].map((n) => `${name}-${n}`)]),
  )
  const kept = new Set([...ids.values()].flat())

  const refresh = async () => {
    for (const { id, implementation, current, status, startedAt } of (await host.list({ limit: 1000 })).servers) {
      const slow = status === 'starting' && Date.now() - Date.parse(startedAt) > 100
      const stuck = slow || status === 'restarting' || (current?.runningFor ?? 0) > 100
      if (implementation === 'hostile' && stuck) await gone(host.kill(id))
      else if (status === 'suspended') await gone(host.resume(id))
    }
    const { servers } = await host.list({ limit: 1000 })
    const strangers = servers.filter(({ id, implementation }) => !ids.get(implementation)?.includes(id))
    for (const { id } of strangers) if (kept.has(id) || strangers.length > MOST_SERVERS) await gone(host.kill(id))
    for (const [implementation, own] of ids) {
      for (const id of own) {
        if (!servers.some((server) => server.id === id))
          await gone(host.start(implementation, args[implementation], { id, labels: labelsOf(id), ...terms[id] }))
      }
    }
  }
  await refresh()
  return {
    port: (app.server.address() as AddressInfo).port,
    origin,
    document: app.swagger(),
    host,
    ids,
    bugs,
    refresh,
    close: async () => {
      await host.close({ timeout: 100 })
      await app.close()
      return timers.size
    },
  }
}

const directories = [bundledDirectory, fileURLToPath(new URL('./implementations', import.meta.url))]

async function open(threads: number, logger: Logger, clock: Clock): Promise<{ host: Host; reload: Reload }> {
  const bounds = {
    maxRestarts: 10,
    maxSeconds: 5,
    maxQueued: 100_000,
    maxQueuedBytes: 2 ** 28,
    maxStateBytes: 256 * 1024,
    maxAttempts: 5,
    rememberExits: 2000,
    idle: 300_000,
  }
  if (threads > 0) {
    const host = await createThreadHost({ threads, directories, logger, bounds, ...limits })
    return { host, reload: (name, options) => host.reload(name, options) }
  }
  const loaded = await loadImplementations(directories)
  const host = createRuntimeOf(loaded, { logger, clock, ...bounds })
  return { host, reload: (name, options) => reloadImplementation(host, loaded, name, options) }
}

/** Another request may have ended it, or have started it, meanwhile. */
async function gone(done: unknown): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!(error instanceof GenServerError)) throw error
  }
}

/** The machine's clock; in `timers` are those that have neither fired nor been cancelled. */
function countTimers(timers: Set<ClockTimer>): Clock {
  const setTimer: Clock['setTimer'] = (ms, fire) => {
    const timer = systemClock.setTimer(ms, () => {
      timers.delete(counted)
      fire()
    })
    const cancel = () => {
      timers.delete(counted)
      timer.cancel()
    }
    const counted: ClockTimer = { cancel, ref: () => timer.ref(), unref: () => timer.unref() }
    timers.add(counted)
    return counted
  }
  return { ...systemClock, setTimer }
}

function bugLogger(bugs: object[]): Logger {
  const error = (fields: { implementation?: string; restarts?: number; message?: string }) => {
    // A stop that a client ordered with an odd reason is reported too; parsers crash over what is no JSON.
    const byDesign =
      /^(?:hostile|parser)$/.test(fields.implementation ?? '') ||
      fields.restarts !== undefined ||
      fields.message === 'stop'
    if (!byDesign) bugs.push(fields)
  }
  return { ...silentLogger, error }
}
