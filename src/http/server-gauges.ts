/**
 * Metrics of what the gateway serves: its servers and its event streams, counted when somebody asks. Labels are
 * implementations and statuses, of which there are few; never ids.
 */
import { Gauge, type Metric } from 'prom-client'
import type { Host } from '../index.js'

export function serverGauges(host: Pick<Host, 'countServers' | 'nodes'>, streams: { readonly size: number }): Metric[] {
  return [
    new Gauge({
      name: 'genservers_servers',
      help: 'Servers, by implementation and status.',
      labelNames: ['implementation', 'status'],
      registers: [],
      async collect() {
        const counts = await host.countServers()
        this.reset()
        for (const { implementation, status, count } of counts) this.set({ implementation, status }, count)
      },
    }),
    new Gauge({
      name: 'genservers_queued_messages',
      help: 'Messages that wait in all mailboxes together.',
      registers: [],
      async collect() {
        const nodes = await host.nodes()
        this.set(nodes.reduce((sum, { queued }) => sum + queued, 0))
      },
    }),
    new Gauge({
      name: 'genservers_queued_bytes',
      help: 'How many bytes they had when they were sent.',
      registers: [],
      async collect() {
        const nodes = await host.nodes()
        this.set(nodes.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0))
      },
    }),
    new Gauge({
      name: 'genservers_event_streams',
      help: 'Event streams that are open.',
      registers: [],
      collect() {
        this.set(streams.size)
      },
    }),
  ] as Metric[]
}
