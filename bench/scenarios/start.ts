/** From `node` starting to the first 200 of /health/ready, with the bundled implementations. */
import { medianOf, quartilesOf } from '../figures.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

export const start: Scenario = {
  name: 'start',
  title: 'start: from nothing to ready',
  async run({ cycles }: Plan): Promise<Outcome> {
    const milliseconds: number[] = []
    // The first start reads the files from the disk, the others from memory.
    for (let i = -1; i < cycles; i++) {
      const started = performance.now()
      const gateway = await ServerProcess.gateway()
      try {
        const { status } = await fetch(`${gateway.url}/health/ready`)
        if (status !== 200) throw new Error(`/health/ready answered ${status}`)
        if (i >= 0) milliseconds.push(performance.now() - started)
      } finally {
        await gateway.stop()
      }
    }
    return {
      table: { columns: ['what', 'milliseconds'], rows: [['ready', spread(quartilesOf(milliseconds))]] },
      targets: [{ what: 'ready', figure: medianOf(milliseconds), unit: ' ms', atMost: 1000 }],
      figures: { milliseconds },
    }
  },
}
