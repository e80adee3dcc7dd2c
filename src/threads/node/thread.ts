/**
 * The program of a thread of servers: loads the implementations, waits until it is told which node it is, and then does what the
 * gateway's thread asks.
 */
import { once } from 'node:events'
import { workerData } from 'node:worker_threads'
import { createNode, Exits, type LocalRuntime } from '../../adapters.js'
import { type Store, systemClock } from '../../index.js'
import { createRuntimeOf, type Implementation, loadImplementations } from '../../loading/load-implementations.js'
import { reloadImplementation } from '../../loading/reload.js'
import { StoreClient } from '../../stores/store-client.js'
import { BoardLog } from '../wire/board.js'
import { carry } from '../wire/carried-failure.js'
import { Channel } from '../wire/channel.js'
import { definitionData } from '../wire/definition-data.js'
import type { FromNode, ToNode } from '../wire/messages.js'
import { type Packed, unpack } from '../wire/packing.js'
import type { Begin, GivenStore, ThreadData } from '../wire/thread-data.js'
import { boundOutput } from './bounded-output.js'
import { Elsewhere } from './elsewhere.js'
import { Lines } from './lines.js'
import { NodeService } from './node-service.js'
import { threadLogger } from './thread-logger.js'
import { ToldCrashes } from './told-crashes.js'

const { directories, memory, port, beat, bounds, hasStore } = workerData as ThreadData

boundOutput(process.stdout)
boundOutput(process.stderr)
const channel = new Channel<FromNode>()
channel.attach(port)
const workLog = new BoardLog(memory)
const begin = once(port, 'message') as Promise<[Begin]>
try {
  const implementations = await loadImplementations(directories, (name) => workLog.loads(name))
  workLog.loads(undefined)
  const [{ node }] = await begin
  const isAnyDurable = [...implementations.values()].some(({ definition }) => definition.durable)
  serve(node, implementations, isAnyDurable || hasStore ? await connectStore() : undefined)
} catch (error) {
  channel.say({ kind: 'unfit', failure: carry(error) })
}

async function connectStore(): Promise<Store> {
  const given = once(port, 'message') as Promise<[GivenStore]>
  channel.say({ kind: 'needsStore' })
  const [{ store }] = await given
  return new StoreClient(store)
}

/** @throws {LoadError} */
function serve(node: string, implementations: Map<string, Implementation>, store: Store | undefined): void {
  const exits = new Exits(systemClock, bounds.rememberExits)
  const lines = new Lines(channel, () => workLog.linesHeard)
  const crashes = new ToldCrashes(channel)
  const elsewhere = new Elsewhere(
    channel,
    exits,
    (name) => runtime.protocol(name),
    () => runtime.node.backlog,
  )
  const storeFailed = ({ message }: Error) => channel.say({ kind: 'storeHasFailed', message })
  const kept = store && { store, storeFailed }
  const options = {
    ...bounds,
    node,
    logger: threadLogger(lines),
    neighbours: elsewhere,
    exits,
    workLog,
    crashes,
    ...kept,
  }
  const runtime: LocalRuntime = createRuntimeOf(implementations, options, createNode)
  const service = new NodeService(runtime, elsewhere, channel, workLog, (name, options) =>
    reloadImplementation(runtime as never, implementations, name, options),
  )
  port.on('message', (packed: readonly Packed<ToNode>[]) => service.receive(packed.map(unpack)))
  const live = () => {
    workLog.beat(runtime)
    lines.tellDropped()
  }
  setInterval(live, beat).unref()
  channel.say({
    kind: 'ready',
    implementations: [...runtime.implementations].map(([name, definition]) => [name, definitionData(definition)]),
  })
}
