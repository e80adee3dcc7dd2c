/**
 * Loaded before a server (`node --import`): answers its parent, over the channel that `fork` makes, what it has used. So
 * the gateway that is measured is the program as it is shipped. It ends with its parent.
 */
import { readFileSync } from 'node:fs'

export interface Usage {
  /** Seconds of CPU time since the start, of all threads: the collector's and the compiler's are part of the cost. */
  readonly cpu: number
  /** Of that, what the thread had that answers requests. Only Linux tells; elsewhere it is all. */
  readonly main: number
  readonly heapUsed: number
  readonly rss: number
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const cpu = (user + system) / 1e6
  const { heapUsed, rss } = process.memoryUsage()
  process.send?.({ cpu, main: mainThread() ?? cpu, heapUsed, rss } satisfies Usage)
})

process.on('disconnect', () => process.exit(0))
// A preload that listens keeps a program running that has failed to start.
process.channel?.unref()

function mainThread(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')
  return Number(nanoseconds) / 1e9
}
