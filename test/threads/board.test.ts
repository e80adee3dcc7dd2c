/** What two threads know of each other without asking. */
import t from 'tap'
import { Board, BoardLog } from '../../src/threads/wire/board.js'

const call = (ticket: number) => ({ kind: 'call', message: 'add', ticket })

t.test('a call is taken or withdrawn, and never both', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  t.ok(log.claims(call(1)))
  t.notOk(board.withdraw(1), 'it was taken')
  t.ok(board.isTaken(1))
  t.ok(board.withdraw(2))
  t.notOk(log.claims(call(2)), 'nobody wants it any more')
  t.notOk(board.withdraw(2), 'it is withdrawn already')
  board.clear(2)
  t.ok(log.claims(call(2)), 'the number is another call now')
})

t.test('a message without a place on the board may always have been taken', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  const far = 2 ** 20
  board.clear(far)
  t.notOk(board.withdraw(far))
  t.ok(board.isTaken(far))
  t.ok(log.claims(call(far)))
  t.ok(log.claims({}), 'nobody has asked for it by a number')
})

t.test('what ends with its mailbox is not to be brought again', async (t) => {
  const board = new Board()
  new BoardLog(board.memory).dropped({ ticket: 3 })
  t.ok(board.isTaken(3))
  t.notOk(board.isTaken(4))
})

t.test('what a server does beside its turns goes on when these are over', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  const look = {}
  log.add('a', { kind: 'call', message: 'look' }, 0)
  log.beside('a', look)
  log.returned('a', false)
  t.match(board.lastTaken, { phase: 'underWay', server: 'a', message: 'look' })
  log.add('a', { kind: 'cast', message: 'hear' }, 0)
  log.returned('a', true)
  t.match(board.lastTaken, { phase: 'underWay', server: 'a', message: 'hear' })
  log.over('a')
  t.match(board.lastTaken, { phase: 'underWay', server: 'a', message: 'look' })
  log.over(look)
  t.match(board.lastTaken, { phase: 'done', server: 'a' })
})

t.test('it is known at what a thread is', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  t.equal(board.lastTaken, undefined)
  log.begins('a', 'init')
  t.match(board.lastTaken, { server: 'a', kind: 'init', message: 'init', since: Number })
  log.add('b', { kind: 'cast', message: 'hear', ticket: 5 }, 0)
  t.match(board.lastTaken, { server: 'b', kind: 'cast', message: 'hear' })
  log.add('b', { kind: 'call', message: 'hear' }, 0)
  t.match(board.lastTaken, { server: 'b', kind: 'call', message: 'hear' })
  t.ok(board.isTaken(5))
})
