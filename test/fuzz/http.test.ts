/**
 * The fuzz of all routes: bursts of requests, some of them hostile, on several connections at once. Every answer must
 * be one that the OpenAPI document describes, in time, and afterwards the gateway must be as healthy as before.
 *
 * FUZZ_REQUESTS says how many (default 20000). FUZZ_SEED chooses them: a number, or `random`. The default is always the
 * same, so that CI tells the same of the same commit; the seed is printed.
 */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type Dispatcher, errors, Pool } from 'undici'
import { type ProblemCode, problemCodes } from '../../src/http/problems.js'
import { type Answer, createAnswerCheck } from './answer-check.js'
import type { FuzzRequest } from './fuzz-request.js'
import { type FuzzedGateway, openFuzzedGateway } from './fuzzed-gateway.js'
import { type OpenapiDocument, requestArbitrary } from './request-arbitrary.js'

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000)
const given = process.env['FUZZ_SEED'] ?? '20261122'
const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given)

/** An answer that takes longer than what was asked for and this is too late. */
const PATIENCE = 1000
/** A client that asked for more than this hangs up then. */
const HANGS_UP = 100
const LARGEST_BURST = 24
/** Bursts that are on at the same time: while one waits for a timeout another goes on. */
const LANES = 3

/** Answers that the fuzz of a gateway that is not shutting down cannot meet, or only by a bug. */
const unreachable = new Set<ProblemCode>([
  'draining',
  'request_timeout',
  'internal_error',
  'restarting',
  'group_too_large',
  'code_change_failed',
  'overloaded',
  // Nothing fuzzed is durable.
  'storage_failed',
])

t.setTimeout(300_000)

/** So many requests where all is in one thread, and a part of them where servers are in threads. */
for (const [threads, share] of [
  [0, 1],
  [2, 0.2],
] as const) {
  t.test(`every answer is one that the document describes, whatever is asked (${threads} threads)`, (t) =>
    fuzz(t, threads, REQUESTS * share),
  )
}

async function fuzz(t: Test, threads: number, requests: number): Promise<void> {
  const gateway = await openFuzzedGateway(threads)
  const client = new Pool(gateway.origin, { connections: 16, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const check = createAnswerCheck(gateway.document)
  const seen = new Map<string, number>()
  let sent = 0

  const faultsOf = async (request: FuzzRequest): Promise<{ faults: string[]; late: boolean }> => {
    sent++
    const started = performance.now()
    const answer = await ask(client, request)
    // What a client asks for beyond its patience it does not wait for.
    const late = performance.now() - started > PATIENCE + Math.min(request.asked, HANGS_UP)
    if (answer === undefined) return { faults: [], late: false }
    if (typeof answer === 'string') return { faults: [answer], late }
    const code = answer.status < 400 ? '' : /"code":"(\w+)"/.exec(answer.body)?.[1]
    const kind = `${answer.status} ${code ?? ''}`.trim()
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
    const faults = check.faults(request.method, request.target, answer)
    if (faults.length > 0) faults.push(`the answer: ${answer.status} ${answer.body.slice(0, 1000)}`)
    return { faults, late }
  }

  /** A busy machine is late now and then; what is slow by itself is slow each time. */
  const isSlow = async (request: FuzzRequest): Promise<boolean> => {
    for (let i = 0; i < 3; i++) if (!(await faultsOf(request)).late) return false
    return true
  }

  const burst = fc.array(requestArbitrary(gateway.document as OpenapiDocument, gateway.ids), {
    minLength: 1,
    maxLength: LARGEST_BURST,
    size: 'max',
  })
  const property = fc.asyncProperty(burst, async (requests) => {
    await gateway.refresh()
    const judged = await Promise.all(requests.map(faultsOf))
    const found: string[] = []
    for (const [i, { faults, late }] of judged.entries()) {
      const request = requests[i] as FuzzRequest
      if (late && (await isSlow(request))) faults.push(`it is late each time, by more than ${PATIENCE} ms`)
      if (faults.length > 0) found.push(`${request}\n    ${faults.join('\n    ')}`)
    }
    found.push(...gateway.bugs.splice(0).map(describeBug))
    if (found.length > 0) throw new Error(found.join('\n  '))
  })

  t.comment(`FUZZ_SEED=${seed} FUZZ_REQUESTS=${REQUESTS}, ${threads} threads`)
  let failure: string | undefined
  const lane = async (number: number) => {
    for (let round = number; sent < requests && failure === undefined; round += LANES) {
      const result = await fc.check(property, {
        seed: Math.imul(seed, 0x9e3779b1) + round,
        numRuns: 20,
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: false,
      })
      if (result.failed) failure ??= `${result.errorInstance}\n(FUZZ_SEED=${seed}, ${sent} requests sent)`
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
  if (failure !== undefined) t.comment(failure)
  t.ok(failure === undefined, `${sent} requests, and nothing wrong with their answers`)
  t.comment(
    [...seen]
      .sort()
      .map(([kind, n]) => `${kind}: ${n}`)
      .join(', '),
  )

  const health = await client.request({ method: 'GET', path: '/health/ready' })
  t.equal(health.statusCode, 200)
  await health.body.dump()
  t.same(await stuckServers(gateway), [])
  t.equal(({} as Record<string, unknown>)['polluted'], undefined, 'prototypes are as they were')
  await client.destroy()
  t.equal(await gateway.close(), 0, 'no timer is left')

  if (requests < 20_000) return
  const codes = new Set([...seen.keys()].map((kind) => kind.split(' ')[1] ?? kind))
  t.same(
    problemCodes.filter((code) => !unreachable.has(code) && !codes.has(code)),
    [],
    'it has met every other problem',
  )
  for (const status of ['200', '201', '202', '204', '304']) t.ok(codes.has(status), `it has met ${status}`)
}

/** `undefined` where the client hung up, as it does after a while; a sentence where the connection broke. */
async function ask(client: Pool, request: FuzzRequest): Promise<Answer | string | undefined> {
  const { method, target, headers, body, asked } = request
  const mayHangUp = asked > HANGS_UP
  const hangUp = new AbortController()
  // Counted in chances to be answered: a machine that sleeps for ten seconds gives none.
  let left = mayHangUp ? 1 : 100
  const waiting = setInterval(() => --left <= 0 && hangUp.abort(), HANGS_UP)
  try {
    const answer = await client.request({
      method: method as 'GET',
      path: target,
      headers: headers.flat(),
      body: body === undefined ? null : body,
      signal: hangUp.signal,
    })
    return { status: answer.statusCode, headers: answer.headers, body: await bodyOf(answer) }
  } catch (error) {
    if (hangUp.signal.aborted) return mayHangUp ? undefined : 'no answer for ten seconds'
    if (error instanceof errors.InvalidArgumentError) throw error
    return `the connection broke: ${error}`
  } finally {
    clearInterval(waiting)
  }
}

/** Streams have no end: what comes first of one must do. */
async function bodyOf({ headers, body }: Dispatcher.ResponseData): Promise<string> {
  if (headers['content-type'] !== 'text/event-stream') return body.text()
  for await (const chunk of body) return String(chunk)
  return ''
}

/** Servers that still have work to do; the hostile ones may, for they hang on purpose. */
/** Somebody who hung up may have suspended it since it was resumed. */
const AT_REST: ReadonlySet<string> = new Set(['running', 'suspended'])

async function stuckServers({ host, refresh }: FuzzedGateway): Promise<unknown[]> {
  const busy = async () =>
    (await host.list({ limit: 1000 })).servers
      .filter(({ implementation }) => implementation !== 'hostile')
      .filter(({ current, mailbox, status }) => current !== null || mailbox.length > 0 || !AT_REST.has(status))
  await refresh()
  const until = performance.now() + 6000
  let left = await busy()
  while (left.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setImmediate(resolve))
    left = await busy()
  }
  return left
}

function describeBug(bug: object): string {
  const { err, ...fields } = bug as { err?: Error }
  return `this was logged: ${JSON.stringify(fields)} ${err?.stack ?? ''}`
}
