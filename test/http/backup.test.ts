/** The route of backups: what is asked for, what is told, and what becomes of a copy that nobody reads to its end. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { backupRoutes } from '../../routes/backup.js'
import { createOperatorsGateway } from '../../src/gateway.js'
import type { Backup, MakeBackup } from '../../src/http/backup.js'
import { HangUps } from '../../src/http/hang-ups.js'
import { HttpProblem } from '../../src/http/problem-document.js'
import { Problem } from '../../src/http/problem-schema.js'
import { ServerInfo, ServerReason } from '../../src/http/server-schemas.js'
import { schemaController } from '../../src/http/validation.js'
import { latch } from '../core/running.js'
import type { Document } from './contract.js'
import { openGateway } from './open-gateway.js'

const bytes = Buffer.from('SQLite format 3, and so on')
const whole: MakeBackup = async () => ({ size: bytes.length, content: Readable.from([bytes]) })

/** More than any socket takes at once. */
const endless = (): Backup => {
  const content = new Readable({ read: (size) => void content.push(Buffer.alloc(size)) })
  return { size: 2 ** 40, content }
}

t.test('GET /backup gives the copy as a file, which is not to be kept by anybody on the way', async (t) => {
  const { app } = await openGateway(t, {}, { backup: whole })
  const answer = await app.inject('/backup')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, {
    'content-type': 'application/vnd.sqlite3',
    'content-length': bytes.length,
    'content-disposition': 'attachment; filename="genservers.db"',
    'cache-control': 'no-store',
  })
  t.same(answer.rawPayload, bytes)
})

t.test('what cannot be answered is told: another method, query or type, a shutdown, no backup', async (t) => {
  let made = 0
  const refuse: MakeBackup = async () => {
    made++
    throw new HttpProblem('unknown_route', 'nothing is kept')
  }
  const { ask, app, runtime } = await openGateway(t, {}, { backup: refuse })
  t.equal((await ask('POST', '/backup')).body.code, 'method_not_allowed')
  t.equal((await app.inject({ method: 'HEAD', url: '/backup' })).statusCode, 405, 'no copy is made for its headers')
  t.equal((await ask('GET', '/backup?x=1')).body.code, 'invalid_request')
  t.equal((await ask('GET', '/backup', undefined, { accept: 'application/json' })).body.code, 'not_acceptable')
  t.equal(made, 0)
  t.match((await ask('GET', '/backup')).body, { status: 404, code: 'unknown_route', detail: 'nothing is kept' })
  runtime.drain()
  t.match((await ask('GET', '/backup')).body, { status: 503, code: 'draining' })
  t.equal(made, 1)
})

t.test("it is one of the operators' routes, and there only where backups can be made", async (t) => {
  const { ask, runtime } = await openGateway(t, {}, { backup: whole, operators: false })
  t.equal((await ask('GET', '/backup')).body.code, 'unknown_route')
  const operators = await createOperatorsGateway(runtime, { docs: false, backup: whole })
  t.equal((await operators.inject('/backup')).statusCode, 200)
  t.ok((operators.swagger() as unknown as Document).paths['/backup'])
  await operators.close()
  const without = await openGateway(t)
  t.equal((await without.ask('GET', '/backup')).body.code, 'unknown_route')
})

async function listening(t: Test, backup: MakeBackup, patience?: number) {
  const app = Fastify({ schemaController: schemaController() })
  for (const schema of [ServerInfo, ServerReason, Problem]) app.addSchema(schema)
  const options = {
    host: { draining: false } as never,
    hangUps: new HangUps(),
    backup,
    ...(patience !== undefined && { patience }),
  }
  await app.register(backupRoutes, options)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  /** The server has seen that its client is gone. */
  const left = new Promise((resolve) => app.server.on('connection', (socket) => socket.once('close', resolve)))
  const { port } = app.server.address() as AddressInfo
  const asked = httpRequest({ port, path: '/backup', agent: false })
  asked.on('error', () => {})
  asked.end()
  return { asked, left, port }
}

t.test('a copy whose reader leaves in the middle is let go', async (t) => {
  const backup = endless()
  const { asked } = await listening(t, async () => backup)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  await once(answer, 'readable')
  const gone = once(backup.content, 'close')
  asked.destroy()
  await gone
  t.ok(backup.content.destroyed)
})

t.test('a copy whose reader has left while it was made is let go', async (t) => {
  const backup = endless()
  const begun = latch<void>()
  const done = latch<void>()
  const { asked, left } = await listening(t, async () => {
    begun.open()
    await done.promise
    return backup
  })
  await begun.promise
  asked.destroy()
  await left
  const gone = once(backup.content, 'close')
  done.open()
  await gone
  t.ok(backup.content.destroyed)
})

t.test('who has stopped to read is cut off, so that others can have a backup', async (t) => {
  const backup = endless()
  const { asked } = await listening(t, async () => backup, 50)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const gone = once(backup.content, 'close')
  // Nobody reads it.
  answer.pause()
  await gone
  t.ok(backup.content.destroyed)
})

t.test('a copy that stands behind another answer is let go when its client leaves', async (t) => {
  const copies: Backup[] = []
  const { asked, port } = await listening(t, async () => {
    copies.push(endless())
    return copies.at(-1) as Backup
  })
  asked.destroy()
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /backup HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2))
  await once(socket, 'data')
  while (copies.length < 2) await new Promise<void>((resolve) => setImmediate(resolve))
  const gone = copies.map(({ content }) => content.destroyed || once(content, 'close'))
  socket.destroy()
  await Promise.all(gone)
  t.ok(copies.every(({ content }) => content.destroyed))
})
