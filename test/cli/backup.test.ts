/** The command `backup`: where it takes the copy from, and that it either writes a whole file or none. */
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import t, { type Test } from 'tap'
import { backUp } from '../../src/cli/backup.js'
import { parseCommandLine } from '../../src/cli/command-line.js'
import { readSettings } from '../../src/cli/read-settings.js'
import { copyInto } from '../../src/stores/copy-store.js'
import { migrate } from '../../src/stores/schema.js'
import { runProgram, startGateway } from './gateway-process.js'

// Each test mostly waits for processes of its own.
t.jobs = 4

const account = `import { defineServer, Type } from 'genservers'
export default defineServer({
  durable: true,
  state: Type.Object({ sum: Type.Integer() }),
  calls: { pay: { args: Type.Object({ amount: Type.Integer() }), reply: Type.Integer() } },
  init: () => ({ sum: 0 }),
  handleCall: { pay: (state, { amount }) => (state.sum += amount) },
})
`

/** A directory with an implementation, and room for data and backups. */
function directoryOf(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'genservers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'implementations'))
  writeFileSync(join(directory, 'implementations', 'account.ts'), account)
  const at = (...names: string[]) => join(directory, ...names)
  const durable = (data = 'data') => ['--implementations', at('implementations'), '--data', at(data), '--threads', '1']
  return { at, durable, files: () => readdirSync(directory).sort() }
}

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

/** What a store is in which nothing is kept. */
function emptyStore(file: string): Buffer {
  const database = new Database(':memory:')
  migrate(database)
  copyInto(database, file)
  return readFileSync(file)
}

/** A port on which nobody listens. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}

/** Something that listens, and is no gateway. Gives its URL. */
async function stranger(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Why there is no backup; in this process, which prints nothing then. */
async function refusal(args: readonly string[], environment = {}): Promise<string> {
  const { flags, file, url } = parseCommandLine(['backup', ...args])
  try {
    await backUp(readSettings(flags, environment), file, url)
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
  throw new Error('it has made one')
}

const sqlite = { 'content-type': 'application/vnd.sqlite3' }

t.test('the gateway that runs is asked, and a gateway elsewhere goes on with the file', async (t) => {
  const { at, durable, files } = directoryOf(t)
  const { url } = await startGateway(t, durable())
  await post(`${url}/servers`, { implementation: 'account', id: 'ada' })
  await post(`${url}/servers/ada/call`, { message: 'pay', args: { amount: 7 } })
  const file = at('ada.db')
  const ended = await runProgram(t, ['backup', file, '--port', new URL(url).port]).ended
  t.match(ended, { code: 0, stdout: `${file} is a backup of ${url}/\n`, stderr: '' })
  t.equal(statSync(file).mode & 0o777, 0o600, 'it is for nobody else to read')
  t.same(files(), ['ada.db', 'data', 'implementations'])
  await post(`${url}/servers/ada/call`, { message: 'pay', args: { amount: 1 } })

  mkdirSync(at('other'))
  renameSync(file, at('other', 'genservers.db'))
  const other = await startGateway(t, durable('other'))
  t.match(await (await fetch(`${other.url}/servers/ada/state`)).json(), { state: { sum: 7 } })
  const reply = await post(`${other.url}/servers/ada/call`, { message: 'pay', args: { amount: 1 } })
  t.same(await reply.json(), { reply: 8 })
})

t.test('where nobody listens the store of the data directory is copied', async (t) => {
  const { at, durable } = directoryOf(t)
  const port = await freePort()
  const args = [at('a.db'), '--port', port, '--data', at('data')]
  const nobody = `NoBackup: nobody listens at http://127.0.0.1:${port}/, and`
  t.equal(await refusal(args), `${nobody} there is no store in the data directory ${at('data')}`)
  t.notOk(existsSync(at('data')), 'none is made')
  const gateway = await startGateway(t, durable())
  await post(`${gateway.url}/servers`, { implementation: 'account', id: 'ada' })
  const busy = `no copy could be made: the data directory ${at('data')}: it is in use by another process`
  t.equal(await refusal(args), `${nobody} ${busy}`)
  t.equal(await refusal([...args, '--no-admin']), `NoBackup: the gateway has no operators' routes, and ${busy}`)
  gateway.child.kill('SIGKILL')
  await gateway.ended
  const ended = await runProgram(t, ['backup', ...args]).ended
  t.match(ended, { code: 0, stdout: `${at('a.db')} is a backup of ${at('data')}\n`, stderr: '' })
  mkdirSync(at('other'))
  renameSync(at('a.db'), at('other', 'genservers.db'))
  const { url } = await startGateway(t, durable('other'))
  t.equal((await fetch(`${url}/servers/ada`)).status, 200)
})

t.test('a file that is there already is left alone, and so is one that another backup writes', async (t) => {
  const { at, files } = directoryOf(t)
  writeFileSync(at('a.db'), 'precious')
  writeFileSync(at('b.db.partial'), 'half')
  const url = await stranger(t, () => t.fail('nobody is asked'))
  t.match(await runProgram(t, ['backup', at('a.db'), '--url', url]).ended, {
    code: 1,
    stdout: '',
    stderr: `genservers: ${at('a.db')} is there already\n`,
  })
  t.match(
    await refusal([at('b.db'), '--url', url]),
    /b\.db\.partial is there already: another backup writes it, or was/,
  )
  t.match(await refusal([at('nowhere', 'c.db'), '--url', url]), /^NoBackup: ENOENT: /)
  t.equal(readFileSync(at('a.db'), 'utf8'), 'precious')
  t.equal(readFileSync(at('b.db.partial'), 'utf8'), 'half')
  t.same(files(), ['a.db', 'b.db.partial', 'implementations'])
})

t.test('a file that has come meanwhile is left alone', async (t) => {
  const { at, files } = directoryOf(t)
  const url = await stranger(t, (_request, response) => {
    writeFileSync(at('a.db'), 'precious')
    response.writeHead(200, sqlite).end(emptyStore(at('whole.db')))
  })
  t.equal(await refusal([at('a.db'), '--url', url]), `NoBackup: ${at('a.db')} is there already`)
  t.equal(readFileSync(at('a.db'), 'utf8'), 'precious')
  t.same(files(), ['a.db', 'implementations', 'whole.db'])
})

t.test('a gateway that keeps nothing, or has no such route, says so', async (t) => {
  const { at } = directoryOf(t)
  const { url } = await startGateway(t, ['--threads', '0', '--data', at('none')])
  const gives = (from: string) => `NoBackup: the gateway at ${from} gives no backup:`
  const nothing = 'no implementation is durable: nothing is kept that could be backed up'
  t.equal(await refusal([at('a.db'), '--url', url]), `${gives(`${url}/`)} ${nothing}`)
  const below = await refusal([at('a.db'), '--url', `${url}/below`])
  t.match(below, `${gives(`${url}/below/`)} nothing is served under this path`)
})

t.test('with --admin-port that is where it asks', async (t) => {
  const { at, durable } = directoryOf(t)
  const gateway = await startGateway(t, ['--admin-port', '0', ...durable()])
  const { adminUrl } = await gateway.line((each) => each.adminUrl !== undefined)
  const adminPort = new URL(adminUrl as string).port
  const environment = { GENSERVERS_ADMIN_PORT: adminPort, GENSERVERS_HOST: '0.0.0.0' }
  const ended = await runProgram(t, ['backup', at('a.db')], environment).ended
  t.match(ended, { code: 0, stdout: `${at('a.db')} is a backup of ${adminUrl}/\n` })
})

t.test('who is no gateway, breaks off or sends something else leaves no file behind', async (t) => {
  const { at, files } = directoryOf(t)
  const ask = async (answer: RequestListener) => refusal([at('a.db'), '--url', await stranger(t, answer)])
  t.match(await ask((_request, response) => response.end('hello')), /gives no backup: it answered 200, undefined$/)
  const cut: RequestListener = (_request, response) => {
    response.writeHead(200, { ...sqlite, 'content-length': 100_000 })
    response.write(Buffer.alloc(50_000), () => response.destroy())
  }
  t.match(await ask(cut), /^NoBackup: the gateway at .* has broken off its backup: /)
  const odd: RequestListener = (_request, response) =>
    response.writeHead(200, sqlite).end('no store, but long enough to be taken for one'.repeat(99))
  t.match(await ask(odd), /^NoBackup: what came is no backup: /)
  const url = `http://127.0.0.1:${await freePort()}`
  t.match(await refusal([at('a.db'), '--url', url]), `NoBackup: the gateway at ${url}/ cannot be asked: `)
  t.same(files(), ['implementations'])
})

t.test('one that is interrupted leaves no file behind', async (t) => {
  const { at, files } = directoryOf(t)
  let begun = () => {}
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const url = await stranger(t, (_request, response) => {
    response.writeHead(200, sqlite)
    response.write('SQLite format 3', begun)
  })
  const { child, ended } = runProgram(t, ['backup', at('a.db'), '--url', url])
  await isBegun
  child.kill('SIGINT')
  t.match(await ended, { code: 1, signal: null, stderr: 'genservers: the backup was broken off\n' })
  t.same(files(), ['implementations'])
})

t.test('what cannot be meant is told', async (t) => {
  for (const [args, message] of [
    [[], 'backup needs the name of a FILE to write'],
    [['a.db', '--port', '0'], 'port 0 is any that is free: say with --url where the gateway is'],
    [['a.db', '--url', 'ftp://x'], '--url ftp://x is no HTTP URL'],
    [['a.db', '--url', 'http://'], '--url http:// is no HTTP URL'],
  ] as const) {
    t.equal(await refusal(args), `UsageError: ${message}`)
  }
  t.match(await runProgram(t, ['backup']).ended, { code: 2, stderr: /backup needs the name of a FILE to write/ })
})
