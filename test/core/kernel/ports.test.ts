/** The versions of the ports that need nothing but memory. */
import t from 'tap'
import { type Envelope, Info } from '../../../src/core/kernel/envelope.js'
import { type Logger, logError, silentLogger } from '../../../src/core/kernel/logger.js'
import { localTransport } from '../../../src/core/kernel/transport.js'

t.test('inside one node an envelope is handed over, the same and at once', async (t) => {
  const got: Envelope[] = []
  const info = new Info('tick', {}, false)
  localTransport.deliver({ put: (envelope) => got.push(envelope) }, info)
  t.equal(got.length, 1)
  t.equal(got[0], info)
})

t.test('what cannot be logged is logged without the error, and a logger that fails is left alone', async (t) => {
  const said: unknown[] = []
  const picky = {
    ...silentLogger,
    error(fields: object, message: string) {
      if ('err' in fields) throw new Error('cannot show it')
      said.push([fields, message])
    },
  } as Logger
  logError(picky, { err: new Error('boom'), server: 'a' }, 'it crashed')
  t.strictSame(said.splice(0), [[{ server: 'a' }, 'it crashed']])
  logError(picky, { server: 'a' }, 'it crashed')
  t.equal(said.length, 1)
  const broken = {
    ...silentLogger,
    error() {
      throw new Error('broken')
    },
  }
  t.doesNotThrow(() => logError(broken, { err: new Error('boom') }, 'it crashed'))
})

t.test('a silent logger takes everything and says nothing', async (t) => {
  const child = silentLogger.child({ server: 'a' })
  for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
    t.equal(child[level]({ n: 1 }, 'message'), undefined)
  }
})
