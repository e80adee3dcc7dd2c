/**
 * Idempotency-Key across kills (reliability T15): the process is killed at each point of the commit that has what a request does, and
 * the client sends it again to the next process. It is done once, and answered as it was at first.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openMeter } from './meter.js'
import { type Kill, killPoints, MortalStore } from './mortal-store.js'
import type { Answered } from './open-gateway.js'

async function processOn(t: Test, directory: string) {
  const store = MortalStore.open(t, directory)
  const meter = await openMeter(t, true, {}, store)
  await meter.runtime.restore()
  return { ...meter, store }
}

type Process = Awaited<ReturnType<typeof processOn>>

interface Request {
  readonly kind: Kill['kind']
  /** Sends it, and what else must happen until that is committed; with what the client hears of it. */
  begin(process: Process): Promise<Answered>
  again(process: Process): Promise<Answered>
}

const call = ({ call }: Process) => call('add', { by: 1 }, 'k')
const cast = ({ cast }: Process) => cast('plus', { by: 1 }, 'k')

const requests: Readonly<Record<string, Request>> = {
  'a call': { kind: 'answer', begin: call, again: call },
  // It is done before the store hears of it.
  'a cast': { kind: 'answer', begin: cast, again: cast },
  'a cast that has to wait': {
    kind: 'cast',
    begin(process) {
      process.runtime.suspend('m')
      return cast(process)
    },
    again: cast,
  },
  'what a cast does that was accepted': {
    kind: 'castDone',
    async begin(process) {
      process.runtime.suspend('m')
      const answered = await cast(process)
      process.runtime.resume('m')
      return answered
    },
    again: cast,
  },
}

/** The next process after a kill, and how the first one ends. */
async function killed(t: Test, { kind, begin }: Request, point: Kill['point']) {
  const base = t.testdir({})
  const first = await processOn(t, join(base, 'first'))
  await first.start()
  const dead = first.store.kill({ point, kind, left: join(base, 'next') })
  const begun = begin(first)
  await dead
  const next = await processOn(t, join(base, 'next'))
  // Whatever is done anew comes out otherwise.
  await next.call('add', { by: 10 })
  const end = async () => {
    first.store.bury()
    return begun
  }
  return { next, end }
}

const said = ({ statusCode, text, headers }: Answered) => [statusCode, text, headers['etag']]

for (const [what, request] of Object.entries(requests)) {
  for (const point of killPoints) {
    t.test(`${what}: after a kill ${point} it is sent again, and is done once`, async (t) => {
      const { next, end } = await killed(t, request, point)
      const isKept = point === 'before it is told'
      const anew = request.again === call ? [200, '{"reply":11}', '"3"'] : [202, '', undefined]
      const first = request.again === call ? [200, '{"reply":1}', '"2"'] : [202, '', undefined]
      for (const time of ['again', 'once more']) {
        t.same(said(await request.again(next)), isKept ? first : anew, time)
      }
      t.equal(await next.n(), 11)
      const { statusCode } = await end()
      t.equal(statusCode, request.kind === 'castDone' ? 202 : 503, 'nobody has heard of what was not told')
    })
  }

  t.test(`${what}: a store that forgets what was answered is seen`, async (t) => {
    const { next, end } = await killed(t, request, 'before it is told')
    next.store.isForgetful = true
    await request.again(next)
    t.equal(await next.n(), 12)
    await end()
  })
}
