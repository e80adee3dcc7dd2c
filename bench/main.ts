/**
 * The benchmark: `npm run bench`, or `npm run bench -- call cast` for some of the scenarios. It is no gate: it exits with 0
 * also where a target is not met, and with 1 only where a run has failed. docs/benchmarks.md explains the figures.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Client } from './client.js'
import type { Plan, Scenario } from './outcome.js'
import { renderOutcome } from './printing.js'
import { againstBare } from './scenarios/against-bare.js'
import { batch } from './scenarios/batch.js'
import { connections } from './scenarios/connections.js'
import { durable } from './scenarios/durable.js'
import { events } from './scenarios/events.js'
import { inProcess } from './scenarios/in-process.js'
import { manyServers } from './scenarios/many-servers.js'
import { overload } from './scenarios/overload.js'
import { size } from './scenarios/size.js'
import { start } from './scenarios/start.js'
import { stuck } from './scenarios/stuck.js'
import { threads } from './scenarios/threads.js'

function scenariosWith(client: Client): Scenario[] {
  return [
    againstBare(client, {
      ...{ name: 'call', title: 'call: one hot server' },
      ...{ load: { kind: 'call', ids: 1 }, servers: 1, atLeast: 0.85 },
    }),
    againstBare(client, {
      ...{ name: 'call-10k', title: 'call-10k: one of 10,000 servers at random' },
      ...{ load: { kind: 'call', ids: 10_000 }, servers: 10_000, atLeast: 0.85 },
    }),
    againstBare(client, {
      ...{ name: 'cast', title: 'cast: one hot server' },
      ...{ load: { kind: 'cast', ids: 1 }, servers: 1, atLeast: 0.85 },
    }),
    againstBare(client, {
      ...{ name: 'spawn', title: 'spawn: start a server and call it once (two requests)' },
      ...{ load: { kind: 'spawn' }, servers: 0, atLeast: 0.7 },
    }),
    inProcess,
    threads(client),
    durable(client),
    stuck,
    overload,
    batch,
    connections,
    events,
    size,
    manyServers(client),
    start,
  ]
}

function usage(problem: string, scenarios: readonly Scenario[]): number {
  const names = scenarios.map(({ name }) => name).join(' ')
  process.stderr.write(`${problem}\nnpm run bench -- [${names}] [--cycles N] [--seconds S] [--json FILE]\n`)
  return 2
}

async function main(): Promise<number> {
  const client = new Client()
  try {
    const scenarios = scenariosWith(client)
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        cycles: { type: 'string', default: '24' },
        seconds: { type: 'string', default: '0.75' },
        json: { type: 'string' },
      },
    })
    const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name))
    if (unknown.length > 0) return usage(`there is no scenario ${unknown.join(', ')}`, scenarios)
    const plan: Plan = { cycles: Number(values.cycles), seconds: Number(values.seconds) }
    if (!(plan.cycles >= 1 && plan.seconds > 0)) return usage('cycles and seconds are numbers above 0', scenarios)

    const chosen = positionals.length === 0 ? scenarios : scenarios.filter(({ name }) => positionals.includes(name))
    const machine = `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`
    process.stdout.write(`${machine}, ${plan.cycles} cycles of ${plan.seconds} s\n`)
    const found: Record<string, unknown> = {}
    for (const scenario of chosen) {
      const outcome = await scenario.run(plan)
      process.stdout.write(renderOutcome(scenario.title, outcome))
      found[scenario.name] = { targets: outcome.targets, figures: outcome.figures }
      if (values.json !== undefined)
        writeFileSync(values.json, `${JSON.stringify({ machine, plan, found }, null, 2)}\n`)
    }
    return 0
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`)
    return 1
  } finally {
    await client.close()
  }
}

process.exitCode = await main()
