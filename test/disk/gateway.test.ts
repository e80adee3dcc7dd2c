/**
 * What a gateway does on a disk that fails (reliability T4): the program, with real faults in the middle of its work.
 *
 * | test | what the system does |
 * |---|---|
 * | full | each write to the log fails with ENOSPC, until it is mended |
 * | unwritable | each write to the log fails with another error (EBADF here; EDQUOT, EROFS and EFBIG are the same to SQLite) |
 * | too large | the process may have no file beyond a size: writes beyond it fail with EFBIG (`ulimit -f`) |
 * | unflushed | what is written to the log is gone, and its flush fails (EINVAL here, EIO where a disk dies) |
 * | unreadable | reads of the database fail (EBADF here) |
 *
 * Times are those of the promise, or somewhat more where a machine has much else to do.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Bank, failed, full, openBank, until } from './bank.js'
import { skipped } from './break-file.js'

// Each test mostly waits for processes of its own.
t.jobs = 3

const SECOND = 1000

/** An account with 5, all of it in the database, and a tally with 1. */
async function prepared(t: Test, options: Parameters<typeof openBank>[2] = {}) {
  const data = join(t.testdir(), 'data')
  const first = await openBank(t, data)
  await first.start('account', 'ada')
  t.equal((await first.call('ada', 'pay', { amount: 5 })).status, 200)
  t.match(await first.close(), { code: 0 })
  const bank = await openBank(t, data, options)
  await bank.start('tally', 'tom')
  t.match(await bank.call('tom', 'step'), { body: { reply: 1 } })
  return { data, bank }
}

async function goesOnInMemory(t: Test, bank: Bank): Promise<void> {
  const before = (await bank.ask('/servers/tom/state')).body.state.count
  t.match(
    await bank.call('tom', 'step'),
    { status: 200, body: { reply: before + 1 } },
    'what is in memory only goes on',
  )
}

for (const [fault, threads] of [
  ['full', 0],
  ['full', 2],
  ['unwritable', 1],
] as const) {
  t.test(
    `a disk that is ${fault}, ${threads} threads: what is kept is refused, until it can be kept`,
    skipped,
    async (t) => {
      const { data, bank } = await prepared(t, { threads })
      await bank.break('genservers.db-wal', fault)
      for (let n = 0; n < 20; n++) {
        t.match(await bank.call('ada', 'pay', { amount: 1 }), full)
        t.match(await bank.cast('ada', 'credit', { amount: 1 }), full)
        t.match(await bank.start('account', 'bob'), full)
      }
      t.match(await bank.call('ada', 'look'), { status: 200, body: { reply: 5 } })
      t.match(await bank.ask('/servers/ada/state'), { status: 200, body: { state: { sum: 5 } } })
      t.equal((await bank.ask('/servers/bob')).status, 404)
      t.equal((await bank.ask('/health/ready')).status, 200)
      await goesOnInMemory(t, bank)
      await bank.break('genservers.db-wal', undefined)
      const recovery = await until(() => bank.call('ada', 'pay', { amount: 10 }), 200)
      t.comment(`kept again after ${Math.round(recovery)} ms`)
      t.ok(recovery < 2 * SECOND)
      t.equal((await bank.cast('ada', 'credit', { amount: 100 })).status, 202)
      t.equal((await bank.start('account', 'bob')).status, 201)
      t.match(await bank.close(), { code: 0 })
      const later = await openBank(t, data, { threads })
      t.match(await later.call('ada', 'look'), { body: { reply: 115 } })
      t.match(await later.call('bob', 'look'), { body: { reply: 0 } })
    },
  )
}

t.test('a file that may not be as large as it would be is a full disk', async (t) => {
  const data = join(t.testdir(), 'data')
  // 256 KiB: the log has room for some texts.
  const bank = await openBank(t, data, { fileBlocks: 512 })
  await bank.start('account', 'ada')
  await bank.start('tally', 'tom')
  const write = (n: number) => bank.call('ada', 'write', { text: `${n} ${'x'.repeat(30_000)}` })
  let written = 0
  let answer = await write(1)
  for (; answer.status === 200; answer = await write(written + 1)) written++
  t.match(answer, full)
  t.ok(written > 2)
  t.match(await write(written + 1), full)
  t.match(await bank.call('ada', 'look'), { status: 200, body: { reply: written } })
  t.match((await bank.ask('/servers/ada/state')).body.state.text, new RegExp(`^${written} x+$`))
  t.equal((await bank.ask('/health/ready')).status, 200)
  await goesOnInMemory(t, bank)
  t.match(await bank.close(), { code: 0 })
  const later = await openBank(t, data)
  t.match(await later.call('ada', 'look'), { body: { reply: written } })
  t.match(await later.call('ada', 'pay', { amount: 1 }), { body: { reply: written + 1 } })
})

for (const threads of [0, 2]) {
  t.test(
    `a disk that loses what it is to flush, ${threads} threads: nothing is acknowledged any more, and the process ends`,
    skipped,
    async (t) => {
      const { data, bank } = await prepared(t, { threads, drainDelay: 5 * SECOND })
      await bank.start('account', 'bob')
      for (let n = 0; n < 20; n++) t.equal((await bank.call('ada', 'pay', { amount: 1 })).status, 200)
      await bank.break('genservers.db-wal', 'unflushed')
      const answers = Promise.all(
        Array.from({ length: 10 }, (_, i) => bank.call(i % 2 === 0 ? 'ada' : 'bob', 'pay', { amount: 1000 })),
      )
      for (const answer of await answers) t.match(answer, failed)
      const outOfRotation = await until(() => bank.ask('/health/ready'), 503)
      t.comment(`not ready after ${Math.round(outOfRotation)} ms`)
      t.ok(outOfRotation < SECOND)
      await bank.break('genservers.db-wal', undefined)
      t.match(await bank.call('ada', 'pay', { amount: 1000 }), failed, 'also where the disk would be well again')
      t.match(await bank.cast('bob', 'credit', { amount: 1000 }), failed)
      t.match(await bank.start('account', 'cyd'), failed)
      t.match(await bank.ask('/servers/bob'), { status: 200 }, 'nobody is said to be nobody')
      await goesOnInMemory(t, bank)
      t.match(await bank.ended, { code: 1, signal: null })
      const later = await openBank(t, data, { threads })
      t.match(await later.call('ada', 'look'), { body: { reply: 25 } })
      t.match(await later.call('bob', 'look'), { body: { reply: 0 } })
      t.match(await later.call('ada', 'pay', { amount: 1 }), { body: { reply: 26 } })
    },
  )
}

t.test('a disk that cannot be read: nobody is said to be nobody, and the process ends', skipped, async (t) => {
  const data = join(t.testdir(), 'data')
  const first = await openBank(t, data)
  for (const id of ['ada', 'bob']) {
    await first.start('account', id)
    await first.call(id, 'write', { text: 'x'.repeat(50_000) })
  }
  t.match(await first.close(), { code: 0 })
  const bank = await openBank(t, data, { drainDelay: 2 * SECOND })
  await bank.break('genservers.db', 'unreadable')
  for (let n = 0; n < 2; n++) t.match(await bank.call('ada', 'pay', { amount: 1 }), full)
  t.match(await bank.start('account', 'ada'), { status: 409, body: { code: 'already_started' } })
  t.match(await bank.start('account', 'cyd'), failed)
  t.match(await bank.ended, { code: 1 })
  const later = await openBank(t, data)
  t.match(await later.call('ada', 'pay', { amount: 1 }), { body: { reply: 2 } })
  t.equal((await later.ask('/servers/cyd')).status, 404)
})
