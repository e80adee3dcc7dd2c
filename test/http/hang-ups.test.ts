/** Which calls are given up with a connection. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { HangUps } from '../../src/http/hang-ups.js'
import type { Request } from '../../src/index.js'

function setUp({ destroyed = false } = {}) {
  const socket = Object.assign(new EventEmitter(), { destroyed }) as unknown as Socket
  const hangUps = new HangUps()
  const givenUp: string[] = []
  const watch = (name: string): Request => {
    const request = { abandon: () => givenUp.push(name) } as unknown as Request
    hangUps.watch(socket, request)
    return request
  }
  return { socket, hangUps, givenUp, watch }
}

t.test('whatever waits on a connection is given up when it closes', async (t) => {
  const { socket, givenUp, watch } = setUp()
  for (const name of ['a', 'b', 'c']) watch(name)
  t.equal(socket.listenerCount('close'), 1)
  socket.emit('close')
  t.same(givenUp.sort(), ['a', 'b', 'c'])
})

t.test('what is answered is forgotten, wherever it stood in the line of a client that pipelines', async (t) => {
  for (const answered of [0, 1, 2]) {
    const { socket, hangUps, givenUp, watch } = setUp()
    const names = ['a', 'b', 'c']
    hangUps.forget(socket, names.map(watch)[answered] as Request)
    socket.emit('close')
    t.same(
      givenUp.sort(),
      names.filter((_, at) => at !== answered),
    )
  }
})

t.test('a connection that is closed already gives up at once', async (t) => {
  const { givenUp, watch } = setUp({ destroyed: true })
  watch('late')
  t.same(givenUp, ['late'])
})

t.test('work that somebody waits for hears that he has hung up, and only then', async (t) => {
  const { socket, hangUps } = setUp()
  const heard: string[] = []
  const listen = (name: string) => (gone: AbortSignal) => {
    gone.addEventListener('abort', () => heard.push(name))
    return name === 'fails' ? Promise.reject(new Error(name)) : Promise.resolve(name)
  }
  t.equal(await hangUps.attend(socket, listen('done')), 'done')
  await t.rejects(hangUps.attend(socket, listen('fails')), { message: 'fails' })
  let finish = () => {}
  const waiting = hangUps.attend(socket, (gone) => {
    gone.addEventListener('abort', () => heard.push('waits'))
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  })
  socket.emit('close')
  t.same(heard, ['waits'])
  finish()
  await waiting
})
