/** The core alone: awaited calls a second on one core, with 1, 64 and 10,000 under way. */
import { reportsOf } from '../child-report.js'
import { medianOf, quartilesOf } from '../figures.js'
import { type Outcome, type Plan, type Scenario, splitCycles } from '../outcome.js'
import { spread } from '../printing.js'
import type { InProcessCycle } from '../programs/in-process.js'

const IN_FLIGHT = [1, 64, 10_000]

export const inProcess: Scenario = {
  name: 'in-process',
  title: 'in-process: awaited calls over 10,000 servers, without HTTP',
  run,
}

async function run({ cycles, seconds }: Plan): Promise<Outcome> {
  const reports: InProcessCycle[] = []
  for (const part of splitCycles(cycles)) {
    reports.push(...(await reportsOf<InProcessCycle>('in-process.js', [IN_FLIGHT, part, seconds / IN_FLIGHT.length])))
  }
  const modes = IN_FLIGHT.map((inFlight) => {
    const own = reports.filter((report) => report.inFlight === inFlight)
    return {
      inFlight,
      perSecond: own.map((cycle) => cycle.calls / cycle.seconds),
      perCpuSecond: own.map((cycle) => cycle.calls / cycle.cpu),
    }
  })
  return {
    table: {
      columns: ['under way', 'calls per second', 'calls per CPU-second'],
      rows: modes.map(({ inFlight, perSecond, perCpuSecond }) => [
        inFlight.toLocaleString('en'),
        spread(quartilesOf(perSecond)),
        spread(quartilesOf(perCpuSecond)),
      ]),
    },
    // On one core the collector's threads have no core of their own, so the CPU-second is the measure.
    targets: modes.map(({ inFlight, perCpuSecond }) => ({
      what: `calls per CPU-second with ${inFlight.toLocaleString('en')} under way`,
      figure: medianOf(perCpuSecond),
      unit: '',
      atLeast: 500_000,
    })),
    figures: modes,
  }
}
