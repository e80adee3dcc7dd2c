/** The program of a thread of servers: loads the implementations, and then does what the gateway's thread asks. */
import { parentPort, workerData } from 'node:worker_threads'
import { createNode, Exits } from '../adapters.js'
import { systemClock } from '../index.js'
import { loadImplementations } from '../loading/load-implementations.js'
import { reloadImplementation } from '../loading/reload.js'
import { BoardLog } from './board.js'
import { Channel, type Port } from './channel.js'
import { definitionData } from './definition-data.js'
import { Elsewhere } from './elsewhere.js'
import { NodeService } from './node-service.js'
import type { ThreadData } from './thread-data.js'
import { threadLogger } from './thread-logger.js'
import type { FromNode, ToNode } from './wire.js'

const { node, directories, memory, beat, bounds } = workerData as ThreadData
const port = parentPort as NonNullable<typeof parentPort>

const channel = new Channel<FromNode>()
channel.attach(port as Port)
const implementations = await loadImplementations(directories)
const exits = new Exits(systemClock, bounds.rememberExits)
const taken = new BoardLog(memory)
const elsewhere = new Elsewhere(channel, exits, (name) => runtime.protocol(name))
const runtime = createNode({
  ...bounds,
  implementations: Object.fromEntries([...implementations].map(([name, { definition }]) => [name, definition])),
  node,
  logger: threadLogger(channel),
  neighbours: elsewhere,
  exits,
  taken,
})
const service = new NodeService(runtime, elsewhere, channel, (name, options) =>
  reloadImplementation(runtime as never, implementations, name, options),
)
port.on('message', (messages: readonly ToNode[]) => service.receive(messages))
setInterval(() => taken.beat(runtime), beat).unref()
channel.say({
  kind: 'ready',
  implementations: [...runtime.implementations].map(([name, definition]) => [name, definitionData(definition)]),
})
