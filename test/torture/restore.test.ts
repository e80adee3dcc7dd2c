/** The drill: backups while clients are at work, and a gateway elsewhere that goes on with one (reliability T32). */
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runProgram, startGateway } from '../cli/gateway-process.js'
import { judgeAtRest, startAll } from './books.js'
import { gaps, knownOfCopy, type Sent } from './history.js'
import { HttpLine } from './http-line.js'
import { randomOf, send } from './sender.js'

const directory = fileURLToPath(new URL('./implementations', import.meta.url))
const servers = Array.from({ length: 30 }, (_, i) => `s${i}`)

async function gatewayOn(t: Test, data: string) {
  const { url } = await startGateway(t, ['--implementations', directory, '--data', data, '--max-queued', '1000000'])
  const line = new HttpLine(url)
  t.teardown(() => line.close())
  return line
}

/** Casts that waited when the copy was made may still be on their way, as for `judgeAtRest`. */
async function judgeCopy(line: HttpLine, known: readonly Sent[]) {
  for (let looks = 1; ; looks++) {
    const verdict = await judgeAtRest(line, known, servers)
    const found = gaps(known, verdict.books)
    if (found.length === 0 || looks === 10) return { ...verdict, gaps: found }
  }
}

t.test('what is restored from a backup is a consistent prefix of what clients did', async (t) => {
  const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000)
  t.comment(`seed ${seed}`)
  const at = (...names: string[]) => join(t.testdirName, ...names)
  t.testdir({})
  const line = await gatewayOn(t, at('data'))
  await startAll(line, servers)
  const history: Sent[] = []
  let isOver = false
  const senders = Array.from({ length: 16 }, (_, i) =>
    send({
      ...{ name: `c${i}`, line, servers, history, isOver: () => isOver, asksAgain: false },
      random: randomOf(seed * 1000 + i),
    }),
  )
  const heard = async (more: number) => {
    const enough = history.length + more
    while (history.length < enough) await new Promise((resolve) => setImmediate(resolve))
  }
  const copies: { readonly data: string; readonly begun: number; readonly done: number }[] = []
  for (const name of ['first', 'second']) {
    await heard(300)
    const begun = performance.now()
    t.match(await runProgram(t, ['backup', at(name), '--url', line.url]).ended, { code: 0 })
    const done = performance.now()
    mkdirSync(at(`${name}-data`))
    renameSync(at(name), at(`${name}-data`, 'genservers.db'))
    copies.push({ data: at(`${name}-data`), begun, done })
  }
  await heard(300)
  isOver = true
  await Promise.all(senders)

  for (const { data, begun, done } of copies) {
    const restored = await gatewayOn(t, data)
    const known = knownOfCopy(history, begun, done)
    const { acknowledged, lost, doubled, phantom, gaps } = await judgeCopy(restored, known)
    t.same({ lost, doubled, phantom, gaps }, { lost: [], doubled: [], phantom: [], gaps: [] })
    t.ok(acknowledged >= 300, 'the clients were at work before it')
    t.ok(known.filter(({ fate }) => fate === 'none').length >= 300, 'and after it')
    const { fate } = await restored.call('s0', 'note', { by: 'later', n: 1 })
    t.equal(fate, 'ok', 'it goes on')
  }
})
