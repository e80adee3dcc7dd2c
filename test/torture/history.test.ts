/** The judge sees what is wrong: each kind of fault, given on purpose, is told. */
import t from 'tap'
import { type Book, gaps, judge, knownOfCopy, type Sent } from './history.js'
import { hear, type Track } from './track.js'

const note = (n: number, more: Partial<Sent> = {}): Sent => ({
  ...{ sender: 'c', server: 's', n, kind: 'note', fate: 'ok', start: n * 10, end: n * 10 + 5 },
  ...more,
})
const track = (...heard: number[]): Track => {
  const tracks: Record<string, Track> = {}
  for (const n of heard) hear(tracks, 'c', n)
  return tracks['c'] as Track
}
const book = (heard: Record<string, Track>, sent: Record<string, number> = {}): Book => ({ total: 0, heard, sent })
const of = (...books: [string, Book][]) => new Map(books)

t.test('what is well is told to be well', async (t) => {
  const history = [
    note(1, { revision: 2, reply: 1 }),
    note(2, { fate: 'unknown' }),
    note(3, { fate: 'none' }),
    note(4, { revision: 3, reply: 2 }),
    note(1, { kind: 'start', server: 's' }),
  ]
  const verdict = { acknowledged: 3, unknown: 1, lost: [], doubled: [], phantom: [], disorder: [] }
  t.same(judge(history, of(['s', book({ c: track(1, 4) })])), verdict)
  t.same(judge(history, of(['s', book({ c: track(1, 2, 4) })])), verdict, 'what is unknown may be there')
})

t.test('what was acknowledged and is not there is lost', async (t) => {
  t.match(judge([note(1), note(2)], of(['s', book({ c: track(1) })])).lost, [/note 2 of c/])
  t.match(judge([note(1), note(2)], of(['s', book({ c: track(2) })])).lost, [/note 1 of c/])
  t.match(judge([note(1)], of()).lost, [/note 1 of c/])
  t.match(judge([note(1, { kind: 'start' })], of()).lost, [/start 1/])
  const passed = of(['a', book({}, { b: 3 })], ['b', book({ a: track(1, 2) })])
  t.match(judge([], passed).lost, [/3 to 3 of a to b/])
  const holed = of(['a', book({}, { b: 3 })], ['b', book({ a: track(1, 3) })])
  t.match(judge([], holed).lost, [/2 of a to b/])
})

t.test('what came twice, or too late, is doubled', async (t) => {
  t.match(judge([note(1), note(2)], of(['s', book({ c: track(1, 2, 2) })])).doubled, [/2 of c/])
  t.match(judge([note(1), note(2)], of(['s', book({ c: track(2, 1) })])).doubled, [/1 of c/])
})

t.test('what was never sent, or had no effect, is made up', async (t) => {
  t.match(judge([note(1)], of(['s', book({ c: track(1, 2) })])).phantom, [/2 of c/])
  t.match(judge([note(1, { fate: 'none' })], of(['s', book({ c: track(1) })])).phantom, [/note 1/])
  t.match(judge([note(1, { kind: 'start', fate: 'none' })], of(['s', book({})])).phantom, [/start 1/])
  t.match(judge([], of(['a', book({}, { b: 1 })], ['b', book({ a: track(1, 2) })])).phantom, [/2 of a to b/])
})

t.test('replies that fit no order are told', async (t) => {
  const disorderOf = (...history: Sent[]) => judge(history, of(['s', book({ c: track(1, 2, 3) })])).disorder
  const early = note(1, { revision: 3, reply: 2, start: 0, end: 1 })
  t.match(disorderOf(early, note(2, { revision: 2, reply: 1, start: 5, end: 9 })), [/revision 2 .* after a later one/])
  t.same(disorderOf(early, note(2, { revision: 2, reply: 1, start: 0.5, end: 9 })), [], 'they overlap')
  t.match(disorderOf(note(1, { revision: 2, reply: 1 }), note(2, { revision: 2, reply: 1 })), [/told twice/])
  t.match(disorderOf(note(1, { revision: 2, reply: 7 })), [/has the total 7/])
})

t.test('of a copy is known what was told before it and sent after it', async (t) => {
  const history = [note(1), note(2), note(3), note(4)]
  const fates = knownOfCopy(history, 17, 36).map(({ fate }) => fate)
  t.same(fates, ['ok', 'unknown', 'unknown', 'none'])
})

t.test('what is missing before something that is there is a gap, also between servers', async (t) => {
  const history = [note(1), note(1, { server: 'r', start: 12, end: 13 }), note(2)]
  const copy = (s: Track | undefined, r: Track | undefined) =>
    gaps(history, of(['s', book(s ? { c: s } : {})], ['r', book(r ? { c: r } : {})]))
  t.same(copy(track(1, 2), track(1)), [])
  t.same(copy(track(1), undefined), [])
  t.same(copy(undefined, undefined), [])
  t.same(copy(track(1, 2), undefined), ['note 1 of c to r, before note 2 of c to s'])
  t.same(copy(undefined, track(1)), ['note 1 of c to s, before note 1 of c to r'])
})
