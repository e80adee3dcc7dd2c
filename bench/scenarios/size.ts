/** How much heap a server takes that has nothing to do. */
import { reportsOf } from '../child-report.js'
import type { Outcome, Scenario } from '../outcome.js'
import { count } from '../printing.js'
import type { IdleServers } from '../programs/idle-servers.js'

export const size: Scenario = {
  name: 'size',
  title: 'size: heap of 100,000 idle servers',
  async run(): Promise<Outcome> {
    const [report] = await reportsOf<IdleServers>('idle-servers.js', 100_000, ['--expose-gc'])
    if (report === undefined) throw new Error('no report')
    const { state, fresh, called } = report
    return {
      table: {
        columns: ['bytes for each', 'in all', 'beyond its state'],
        rows: [
          ['started', count(fresh), count(fresh - state)],
          ['started and called once', count(called), count(called - state)],
        ],
      },
      targets: [
        { what: 'an idle server, beyond its state', figure: (fresh - state) / 1024, unit: ' KiB', atMost: 1.5 },
        { what: 'the same after a call', figure: (called - state) / 1024, unit: ' KiB', atMost: 1.5 },
      ],
      figures: report,
    }
  },
}
