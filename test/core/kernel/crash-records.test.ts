/** The records of crashes, and the log of messages that goes into them: both have bounds. */
import t from 'tap'
import { type CrashRecord, CrashRecords } from '../../../src/core/kernel/crash-records.js'
import { WorkLog } from '../../../src/core/kernel/work-log.js'

const record = (incarnation: number) => ({ incarnation }) as CrashRecord
const incarnations = (records: readonly CrashRecord[]) => records.map(({ incarnation }) => incarnation)

t.test('ten of each id are kept, oldest first', async (t) => {
  const records = new CrashRecords()
  t.same(records.get('a'), [])
  for (let n = 1; n <= 11; n++) records.add('a', record(n))
  records.add('b', record(1))
  t.same(incarnations(records.get('a')), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  t.same(incarnations(records.get('b')), [1])
  records.forget('a')
  t.same(records.get('a'), [])
})

t.test('of so many ids: those that crashed last', async (t) => {
  const records = new CrashRecords(2)
  records.add('a', record(1))
  records.add('b', record(1))
  records.add('a', record(2))
  records.add('c', record(1))
  t.same(incarnations(records.get('a')), [1, 2])
  t.same(records.get('b'), [])
  t.same(incarnations(records.get('c')), [1])
})

t.test('a runtime keeps those of 1000 ids', async (t) => {
  const records = new CrashRecords()
  for (let n = 0; n < 1001; n++) records.add(`id${n}`, record(1))
  t.same([records.get('id0').length, records.get('id1').length], [0, 1])
})

const call = (message: string) => ({ kind: 'call', message })

t.test('G76: the log gives the newest ten of one process, oldest first', async (t) => {
  const log = new WorkLog()
  t.same(log.of('p', 1000, 0), [])
  for (let n = 1; n <= 12; n++) {
    log.add('p', call(`m${n}`), n + 0.7)
    log.add('other', call('x'), n)
  }
  const found = log.of('p', Date.UTC(2026, 0, 1), 20)
  t.same(
    found.map(({ message }) => message),
    ['m3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11', 'm12'],
  )
  t.same(found[0], { at: '2025-12-31T23:59:59.983Z', kind: 'call', message: 'm3' })
  t.equal(log.of('p', 0, 5).at(-1)?.at, '1970-01-01T00:00:00.000Z', 'never later than now')
})

t.test('it is written round, and forgets what is oldest', async (t) => {
  const log = new WorkLog(4)
  for (let n = 1; n <= 11; n++) log.add(n % 2 ? 'odd' : 'even', call(`m${n}`), n)
  const messages = (id: string) => log.of(id, 0, 0).map(({ message }) => message)
  t.same(messages('odd'), ['m9', 'm11'])
  t.same(messages('even'), ['m8', 'm10'])
})

t.test('it keeps no long names', async (t) => {
  const log = new WorkLog()
  log.add('p', call('x'.repeat(1000)), 0)
  t.equal(log.of('p', 0, 0)[0]?.message.length, 129)
})
