/** An SDK generated from the document is typed, compiles, and works against the gateway. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createClient } from '@hey-api/openapi-ts'
import { createRuntime } from 'genservers'
import openapiTS, { astToString } from 'openapi-typescript'
import t, { type Test } from 'tap'
import counter from '../../implementations/counter.js'
import stack from '../../implementations/stack.js'
import { createGateway } from '../../src/gateway.js'

const program = `
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

export async function run(baseUrl: string): Promise<unknown[]> {
  const client = createClient<paths>({ baseUrl })
  const seen: unknown[] = []
  const path = { id: 'c1' }

  const started = await client.POST('/implementations/counter/servers', { params: { query: { id: 'c1' } }, body: { start: 5 } })
  const info: components['schemas']['ServerInfo'] | components['schemas']['StartIgnored'] | undefined = started.data
  seen.push(info?.status, started.response.headers.get('location'))

  const counted = await client.POST('/implementations/counter/servers/{id}/call/increment', { params: { path }, body: { by: 2 } })
  const reply: number | undefined = counted.data?.reply
  seen.push(reply, counted.response.headers.get('etag'))

  const looked = await client.POST('/implementations/counter/servers/{id}/call/get', { params: { path } })
  seen.push(looked.data?.reply)

  const cast = await client.POST('/implementations/counter/servers/{id}/cast/reset', { params: { path } })
  seen.push(cast.response.status)

  const failed = await client.POST('/implementations/counter/servers/{id}/call/get', { params: { path: { id: 'nobody' } } })
  const code: components['schemas']['Problem']['code'] | undefined = failed.error?.code
  seen.push(code, failed.error?.effect)

  const generic = await client.POST('/servers/{id}/call', { params: { path }, body: { message: 'increment', timeout: 100 } })
  const anything: unknown = generic.data?.reply
  seen.push(anything)

  const list = await client.GET('/servers', { params: { query: { limit: 10 } } })
  seen.push(list.data?.servers.map(({ id }) => id))

  const stopped = await client.DELETE('/servers/{id}', { params: { path, query: { reason: 'shutdown' } } })
  seen.push(stopped.response.status)
  return seen
}

export async function wrong(baseUrl: string): Promise<void> {
  const client = createClient<paths>({ baseUrl })
  const path = { id: 'c1' }
  // @ts-expect-error the args are typed
  await client.POST('/implementations/counter/servers/{id}/call/increment', { params: { path }, body: { by: 'two' } })
  // @ts-expect-error the args are closed
  await client.POST('/implementations/counter/servers/{id}/call/increment', { params: { path }, body: { to: 2 } })
  // @ts-expect-error the messages are known
  await client.POST('/implementations/counter/servers/{id}/call/explode', { params: { path } })
  // @ts-expect-error args without a default must be given
  await client.POST('/implementations/stack/servers/{id}/cast/push', { params: { path }, body: {} })
  const { data } = await client.POST('/implementations/counter/servers/{id}/call/get', { params: { path } })
  // @ts-expect-error the reply is typed
  const text: string | undefined = data?.reply
  void text
}
`

const sdkProgram = `
import { createClient } from './sdk/client/index.js'
import { counterGet, counterIncrement, counterReset, counterStart, stackPush, stopServer } from './sdk/index.js'
import type { Problem } from './sdk/index.js'

export async function run(baseUrl: string): Promise<unknown[]> {
  const client = createClient({ baseUrl })
  const path = { id: 'h1' }
  const seen: unknown[] = []

  const started = await counterStart({ client, query: { id: 'h1' }, body: { start: 5 } })
  seen.push(started.data?.status, started.response.headers.get('location'))

  const counted = await counterIncrement({ client, path, body: { by: 2 } })
  const reply: number | undefined = counted.data?.reply
  seen.push(reply)

  const cast = await counterReset({ client, path })
  seen.push(cast.response.status)

  const failed = await counterGet({ client, path: { id: 'nobody' } })
  const code: Problem['code'] | undefined = failed.error?.code
  seen.push(code, failed.error?.effect)

  const stopped = await stopServer({ client, path })
  seen.push(stopped.response.status)
  return seen
}

export async function wrong(baseUrl: string): Promise<void> {
  const client = createClient({ baseUrl })
  const path = { id: 'h1' }
  // @ts-expect-error the args are typed
  await counterIncrement({ client, path, body: { by: 'two' } })
  // @ts-expect-error args without a default must be given
  await stackPush({ client, path, body: {} })
  const { data } = await counterGet({ client, path })
  // @ts-expect-error the reply is typed
  const text: string | undefined = data?.reply
  void text
}
`

async function compile(directory: string): Promise<void> {
  const options = {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    skipLibCheck: true,
  }
  const config = { compilerOptions: { ...options, lib: ['ES2023', 'DOM'], types: [] }, files: ['program.ts'] }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [tsc, '-p', directory]).catch((error) => {
    throw new Error(error.stdout)
  })
}

async function serve(t: Test) {
  const runtime = createRuntime({ implementations: { counter, stack } })
  const app = await createGateway(runtime, { docs: false })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await runtime.close({ timeout: 0 })
    await app.close()
  })
  return { app, url }
}

t.test('openapi-typescript makes types that an openapi-fetch client works by', async (t) => {
  const { app, url } = await serve(t)
  const document = JSON.stringify(app.swagger())
  const directory = t.testdir({ 'package.json': '{"type":"module"}', 'program.ts': program })
  writeFileSync(join(directory, 'schema.d.ts'), astToString(await openapiTS(document)))
  await compile(directory)
  const { run } = await import(pathToFileURL(join(directory, 'program.js')).href)
  t.same(await run(url), ['running', '/servers/c1', 7, '"2"', 7, 202, 'unknown_server', 'none', 1, ['c1'], 204])
})

t.test('the types name each message and its replies', async (t) => {
  const { app } = await serve(t)
  const types = astToString(await openapiTS(JSON.stringify(app.swagger())))
  for (const name of ['StackPopReply', 'CounterIncrementArgs', 'CounterIncrementReply', 'Problem', 'ServerInfo']) {
    t.match(types, new RegExp(`^ {8}${name}: `, 'm'))
  }
  for (const operation of ['stackPop', 'stackPush', 'stackStart', 'counterIncrement', 'callServer']) {
    t.match(types, new RegExp(`^ {4}${operation}: `, 'm'))
  }
  t.notMatch(types, 'def-')
})

t.test('@hey-api/openapi-ts makes an SDK with a function for each message', async (t) => {
  const { app, url } = await serve(t)
  const directory = t.testdir({ 'package.json': '{"type":"module"}', 'program.ts': sdkProgram })
  await createClient({
    input: app.swagger() as never,
    output: { path: join(directory, 'sdk'), importFileExtension: '.js' },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent' },
  })
  await compile(directory)
  const { run } = await import(pathToFileURL(join(directory, 'program.js')).href)
  t.same(await run(url), ['running', '/servers/h1', 7, 202, 'unknown_server', 'none', 204])
})
