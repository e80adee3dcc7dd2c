/** The program as its users run it: what it says, when it gives up, and how it ends. Real processes, real signals. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runProgram, startGateway } from './gateway-process.js'

// Each test mostly waits for a process of its own.
t.jobs = 4

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

/** A directory outside of the project, where nothing resolves by itself. */
function foreignDirectory(t: Test, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'genservers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const slow = `import { defineServer, Type } from 'genservers'
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
export default defineServer({
  state: Type.Object({ log: Type.Array(Type.String()) }),
  calls: { work: { args: Type.Object({ ms: Type.Integer() }), reply: Type.String() } },
  casts: { stray: {}, forgotten: {} },
  init: () => ({ log: [] }),
  handleCall: {
    work: async (_state, { ms }, ctx) => {
      ctx.log.info({}, 'at work')
      await later(ms)
      return 'done'
    },
  },
  handleCast: {
    stray: () => { setTimeout(() => { throw new Error('stray') }, 0) },
    forgotten: () => { void Promise.reject(new Error('forgotten')) },
  },
  terminate: (_state, reason, ctx) => { ctx.log.info({ reason }, 'terminated') },
})
`

t.test('the first line of the log tells the URL, and there it answers', async (t) => {
  const { url, line, child, ended } = await startGateway(t)
  const first = await line(() => true)
  t.match(first, { level: 30, url, msg: `genservers listens on ${url}` })
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal((await post(`${url}/servers`, { implementation: 'counter', id: 'c1' })).status, 201)
  const reply = await post(`${url}/servers/c1/call`, { message: 'increment', args: { by: 2 } })
  t.same(await reply.json(), { reply: 2 })
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, signal: null, stderr: '' })
})

t.test('implementations in TypeScript are served from a directory anywhere', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, child, ended } = await startGateway(t, ['--implementations', directory])
  const { implementations } = (await (await fetch(`${url}/implementations`)).json()) as { implementations: object[] }
  t.match(implementations, [{ name: 'slow' }, { name: 'supervisor' }])
  t.equal(implementations.length, 2)
  child.kill('SIGINT')
  t.match(await ended, { code: 0 })
})

t.test('on SIGTERM work that was taken is finished and answered, then the servers terminate', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory])
  await post(`${url}/servers`, { implementation: 'slow', id: 's' })
  const answer = post(`${url}/servers/s/call`, { message: 'work', args: { ms: 300 } })
  await line(({ msg }) => msg === 'at work')
  child.kill('SIGTERM')
  await line(({ msg }) => msg === 'shutting down')
  t.same(await (await answer).json(), { reply: 'done' })
  const { code, stdout } = await ended
  t.equal(code, 0)
  t.match(stdout, /"reason":"shutdown","msg":"terminated"/)
})

t.test('readiness fails from the signal on, while work is still taken', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child } = await startGateway(t, ['--implementations', directory, '--drain-delay', '600000'])
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
  child.kill('SIGTERM')
  await line(({ msg }) => msg === 'shutting down')
  const ready = await fetch(`${url}/health/ready`)
  t.equal(ready.status, 503)
  t.match(await ready.json(), { code: 'draining' })
  t.equal((await fetch(`${url}/health/live`)).status, 200)
  const late = await post(`${url}/servers`, { implementation: 'slow', id: 'late' })
  t.equal(late.status, 201)
  t.equal(late.headers.get('connection'), 'close', 'it goes on elsewhere')
  // Answered past Fastify.
  const last = await post(`${url}/servers/late/call`, { message: 'work', args: { ms: 0 } })
  t.equal(last.status, 200)
  t.equal(last.headers.get('connection'), 'close')
})

t.test('when the drain delay is over, new work is refused while the last is finished', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--drain-delay', '1'])
  await post(`${url}/servers`, { implementation: 'slow', id: 's' })
  const answer = post(`${url}/servers/s/call`, { message: 'work', args: { ms: 1000 } })
  await line(({ msg }) => msg === 'at work')
  child.kill('SIGTERM')
  await line(({ msg }) => msg === 'draining')
  t.match(await (await post(`${url}/servers/s/call`, { message: 'work', args: { ms: 0 } })).json(), {
    status: 503,
    code: 'draining',
    effect: 'none',
  })
  t.same(await (await answer).json(), { reply: 'done' })
  t.match(await ended, { code: 0 })
})

t.test('work that takes longer than the drain timeout is killed', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--drain-timeout', '50'])
  await post(`${url}/servers`, { implementation: 'slow', id: 's', shutdown: 50 })
  const answer = post(`${url}/servers/s/call`, { message: 'work', args: { ms: 3_600_000 }, timeout: 3_600_000 })
  await line(({ msg }) => msg === 'at work')
  child.kill('SIGTERM')
  t.match(await (await answer).json(), { code: 'server_exited', reason: 'killed', effect: 'unknown' })
  t.match(await ended, { code: 0 })
})

t.test('a second signal ends it at once, and not with success', async (t) => {
  const { line, child, ended } = await startGateway(t, ['--drain-delay', '600000'])
  child.kill('SIGTERM')
  await line(({ msg }) => msg === 'shutting down')
  // The same order may arrive twice (npm passes Ctrl-C on), so the second one counts only after a moment.
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  t.match(await ended, { code: 1, signal: null })
  clearInterval(again)
})

t.test('two signals at once, as by Ctrl-C under npm, are one order', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory])
  await post(`${url}/servers`, { implementation: 'slow', id: 's' })
  const answer = post(`${url}/servers/s/call`, { message: 'work', args: { ms: 200 } })
  await line(({ msg }) => msg === 'at work')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  t.same(await (await answer).json(), { reply: 'done' })
  t.match(await ended, { code: 0 })
})

t.test('what an implementation leaves behind and fails costs its thread, and not the gateway', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--threads', '1'])
  await post(`${url}/servers`, { implementation: 'slow', id: 's' })
  await post(`${url}/servers/s/cast`, { message: 'stray' })
  t.match(await line(({ err }) => err?.message === 'stray'), { level: 50, node: '1' })
  t.match(await (await fetch(`${url}/nodes`)).json(), { nodes: [{ node: '1', restarts: 1 }] })
  t.equal((await post(`${url}/servers/s/call`, { message: 'work', args: { ms: 0 } })).status, 200)
  t.match(await (await fetch(`${url}/servers/s`)).json(), { restarts: 1, lastExit: { reason: 'killed' } })
  child.kill('SIGTERM')
  t.match(await ended, { code: 0 })
})

t.test('where all is in one thread, what an implementation leaves behind and fails is logged', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--threads', '0'])
  await post(`${url}/servers`, { implementation: 'slow', id: 's' })
  await post(`${url}/servers/s/cast`, { message: 'stray' })
  t.match(await line(({ err }) => err?.message === 'stray'), { level: 50 })
  await post(`${url}/servers/s/cast`, { message: 'forgotten' })
  t.match(await line(({ err }) => err?.message === 'forgotten'), { level: 50 })
  t.equal((await fetch(`${url}/servers/s`)).status, 200)
  child.kill('SIGTERM')
  t.match(await ended, { code: 0 })
})

t.test('a port that is in use is told in one line', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  t.match(await runProgram(t, ['--port', String(port)]).ended, {
    code: 1,
    stdout: '',
    stderr: `genservers: port ${port} of 127.0.0.1 is in use; choose another with --port\n`,
  })
})

t.test("with --admin-port the operators' routes are there and not on the main port", async (t) => {
  const { url, line, child, ended } = await startGateway(t, ['--admin-port', '0'])
  const { adminUrl, msg } = await line((each) => each.adminUrl !== undefined)
  t.match(adminUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.not(adminUrl, url)
  t.equal(msg, `operators' routes are on ${adminUrl}`)
  t.equal((await post(`${url}/servers`, { implementation: 'counter', id: 'c1' })).status, 201)
  t.equal((await fetch(`${url}/servers/c1/suspend`, { method: 'POST' })).status, 404)
  t.equal((await fetch(`${adminUrl}/servers/c1/suspend`, { method: 'POST' })).status, 204)
  t.match(await (await fetch(`${url}/servers/c1`)).json(), { status: 'suspended' })
  t.match(await (await fetch(`${adminUrl}/openapi.json`)).json(), { paths: { '/servers/{id}/suspend': {} } })
  t.equal((await fetch(`${adminUrl}/servers`)).status, 404)
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
})

const tally = (version: number, step: number, more = '') => `import { defineServer, Type } from 'genservers'
export default defineServer({
  version: ${version},
  state: Type.Object({ count: Type.Integer() }),
  calls: { step: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: { step: (state) => (state.count += ${step}) },
  ${more}
})
`
const step = async (url: string) => (await post(`${url}/servers/t/call`, { message: 'step' })).json()

t.test(
  'an implementation whose file has changed is reloaded when it is asked for, also on the admin port',
  async (t) => {
    const directory = foreignDirectory(t, { 'tally.ts': tally(1, 1) })
    const file = join(directory, 'tally.ts')
    const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--admin-port', '0'])
    const { adminUrl } = await line((each) => each.adminUrl !== undefined)
    await post(`${url}/servers`, { implementation: 'tally', id: 't' })
    t.same(await step(url), { reply: 1 })
    writeFileSync(file, tally(2, 10, 'codeChange: (old) => ({ count: old.count + 1000 }),'))
    const reload = async () => {
      const answer = await fetch(`${adminUrl}/implementations/tally/reload`, { method: 'POST' })
      return { status: answer.status, body: await answer.json() }
    }
    t.match(await reload(), { status: 200, body: { from: 1, to: 2, servers: 1, migrated: 1 } })
    t.match(await line(({ msg }) => msg === 'tally runs version 2 from now on'), { level: 30 })
    t.same(await step(url), { reply: 1011 })
    writeFileSync(file, 'import "./nowhere.ts"')
    const refused = await reload()
    t.match(refused, { status: 422, body: { code: 'load_failed', effect: 'none', detail: /^tally\.ts: .*nowhere/ } })
    t.notMatch(JSON.stringify(refused), directory, 'nobody is told where the files lie')
    t.same(await step(url), { reply: 1021 })
    child.kill('SIGTERM')
    t.match(await ended, { code: 0 })
  },
)

t.test('with --watch what changes is reloaded by itself, and what cannot be is logged', async (t) => {
  const directory = foreignDirectory(t, { 'tally.ts': tally(1, 1), '_shared.ts': 'export const n = 1' })
  const { url, line, child, ended } = await startGateway(t, ['--implementations', directory, '--watch'])
  await post(`${url}/servers`, { implementation: 'tally', id: 't' })
  t.same(await step(url), { reply: 1 })
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  write('tally.ts', tally(2, 10, 'codeChange: (old) => old,'))
  await line(({ msg }) => msg === 'tally runs version 2 from now on')
  t.same(await step(url), { reply: 11 })
  write('tally.ts', 'export default (')
  t.match(await line(({ msg }) => /tally\.ts: .*syntax error/.test(msg)), { level: 50 })
  write('tally.ts', tally(3, 10))
  t.match(await line(({ msg }) => /there is no codeChange/.test(msg)), { level: 50 })
  t.same(await step(url), { reply: 21 })
  write('tally.ts', tally(4, 100, 'codeChange: (old) => old,'))
  await line(({ msg }) => msg === 'tally runs version 4 from now on')
  for (const other of ['README.md', 'tally.test.ts', '.swap.ts']) write(other, 'nothing to reload for')
  write('_shared.ts', 'export const n = 2')
  await line(({ from }) => from === 4)
  write('fresh.ts', tally(1, 1))
  t.match(await line(({ msg }) => msg === 'a new implementation is served after the next start'), { level: 40 })
  write('tally.js', tally(1, 1))
  t.match(await line(({ msg }) => msg === 'another implementation has this name: the next start will fail'), {
    level: 40,
  })
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
})

t.test("with --no-admin the operators' routes are nowhere", async (t) => {
  const { url, child, ended } = await startGateway(t, ['--no-admin'])
  await post(`${url}/servers`, { implementation: 'counter', id: 'c1' })
  t.equal((await fetch(`${url}/servers/c1/suspend`, { method: 'POST' })).status, 404)
  child.kill('SIGTERM')
  t.match(await ended, { code: 0 })
})

t.test('an admin port that is in use is told in one line, and nothing goes on', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  t.match(await runProgram(t, ['--port', '0', '--admin-port', String(port)]).ended, {
    code: 1,
    stderr: `genservers: port ${port} of 127.0.0.1 is in use; choose another with --admin-port\n`,
  })
})

t.test('an address that is not of this machine is told in one line', async (t) => {
  const { code, stderr } = await runProgram(t, ['--port', '0', '--host', '192.0.2.1']).ended
  t.equal(code, 1)
  t.match(stderr, /^genservers: 192\.0\.2\.1 is not an address of this machine; choose another with --host\n$/)
})

t.test('one faulty implementation stops the start before anything listens', async (t) => {
  const directory = foreignDirectory(t, {
    'slow.ts': slow,
    'worse.ts': 'setInterval(() => {}, 1000)\nthrow new Error("no")',
  })
  const { code, stdout, stderr } = await runProgram(t, ['--port', '0', '--implementations', directory]).ended
  t.equal(code, 1)
  t.equal(stdout, '')
  t.equal(stderr, `genservers: ${directory}/worse.ts: 2:7: Error when it was loaded: no\n`)
})

t.test('a wrong flag or value is told on stderr with code 2', async (t) => {
  const flag = await runProgram(t, ['--prot', '1']).ended
  t.match(flag, { code: 2, stdout: '', stderr: 'genservers: there is no option --prot\nTry genservers --help\n' })
  const value = await runProgram(t, [], { GENSERVERS_PORT: 'abc' }).ended
  t.match(value, { code: 2, stdout: '', stderr: /^genservers: GENSERVERS_PORT must be integer \(it is "abc"\)\n/ })
})

t.test('--help, --version and --print-config answer and start nothing', async (t) => {
  t.match(await runProgram(t, ['--help']).ended, { code: 0, stdout: /^Usage: genservers/, stderr: '' })
  t.match(await runProgram(t, ['--version']).ended, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/, stderr: '' })
  const { code, stdout } = await runProgram(t, ['--print-config', '--body-limit', '5'], { PORT: '81' }).ended
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { host: '127.0.0.1', port: 81, bodyLimit: 5 })
})

t.test('openapi writes the document to standard output or to a file', async (t) => {
  const directory = foreignDirectory(t, { 'slow.ts': slow })
  const { code, stdout } = await runProgram(t, ['openapi', '--implementations', directory]).ended
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { openapi: /^3\.1/, paths: { '/implementations/slow/servers/{id}/call/work': {} } })
  t.match(JSON.parse(stdout), { paths: { '/servers/{id}/suspend': {} } })
  const without = await runProgram(t, ['openapi', '--no-admin', '--implementations', directory]).ended
  t.notMatch(without.stdout, 'suspendServer')
  const out = join(directory, '_openapi.json')
  t.match(await runProgram(t, ['openapi', '--out', out, '--implementations', directory]).ended, { code: 0, stdout: '' })
})

t.test('a module that never finishes loading is told of', async (t) => {
  const directory = foreignDirectory(t, { 'never.ts': 'await new Promise(() => {})' })
  for (const [threads, told] of [
    ['1', /^genservers: never: its module loops, waits for something that never comes, or ends its thread$/m],
    ['0', /^genservers: the start came to no end: a module of an implementation waits/m],
  ] as const) {
    const { code, stdout, stderr } = await runProgram(t, ['--implementations', directory, '--threads', threads]).ended
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, told)
  }
})
