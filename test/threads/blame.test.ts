/** Who is held to have cost a thread, and how long whatever it was at may have held it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Limits } from '../../src/threads/host/limits.js'
import type { Place } from '../../src/threads/host/place.js'
import type { ThreadNode } from '../../src/threads/host/thread-node.js'
import { Board, BoardLog } from '../../src/threads/wire/board.js'
import { eventually, openHost } from './hosts.js'

const killed = { code: 'server_exited', details: { reason: 'killed' } }

t.test('what a thread is at is told apart from what it was at, and from what is under way', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  const message = (name: string) => ({ kind: 'call', message: name })
  log.add('a', message('ask'), 0)
  t.match(board.lastTaken, { phase: 'running', server: 'a', message: 'ask' })
  log.returned('a', true)
  t.match(board.lastTaken, { phase: 'underWay', server: 'a', message: 'ask' })
  log.add('b', message('add'), 0)
  t.match(board.lastTaken, { phase: 'running', server: 'b' })
  log.returned('b', false)
  t.match(board.lastTaken, { phase: 'underWay', server: 'a' }, 'b is done')
  log.add('c', message('ask'), 0)
  log.returned('c', true)
  t.match(board.lastTaken, { phase: 'underWay', server: 'c' }, 'the latest')
  log.over('c')
  t.match(board.lastTaken, { phase: 'underWay', server: 'a' })
  log.over('a')
  log.over('nobody')
  t.match(board.lastTaken, { phase: 'done', server: 'c' })
})

t.test('what is begun in the midst of something else is not what the thread is at afterwards', async (t) => {
  const board = new Board()
  const log = new BoardLog(board.memory)
  log.add('a', { kind: 'call', message: 'start' }, 0)
  log.during('b', 'init', () => t.match(board.lastTaken, { phase: 'running', server: 'b', message: 'init' }))
  t.match(board.lastTaken, { phase: 'running', server: 'a', message: 'start' })
  log.returned('a', false)
  t.throws(() =>
    log.during('b', 'redact', () => {
      throw new Error('it failed')
    }),
  )
  t.match(board.lastTaken, { phase: 'done', server: 'b', message: 'redact' })
})

t.test('a thread that is at no message may be at anything of those who are there', async (t) => {
  const implementations = new Map([
    ['brisk', { handlerLimit: 100 }],
    ['slow', { handlerLimit: 90_000 }],
    ['usual', {}],
  ])
  const nodes = {
    implementationsOn: (node: ThreadNode) => (node.name === 'brisk-alone' ? ['brisk'] : ['brisk', 'usual']),
  }
  const places = { find: () => ({ implementation: 'brisk' }) as Place }
  const limits = new Limits({ places, nodes, implementations, usual: 10_000 })
  const of = (phase: string, name = '1') =>
    limits.of({ name, activity: { phase, server: 'b' } } as unknown as ThreadNode)
  t.equal(of('running'), 100)
  t.equal(of('heard'), 100)
  t.equal(of('underWay'), 10_000)
  t.equal(of('done'), 10_000)
  t.equal(of('done', 'brisk-alone'), 100)
  t.equal(limits.of({ name: '1', activity: undefined } as ThreadNode), 10_000)
})

t.test('who goes on after it has waited has not the limit of whoever was taken meanwhile', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('a')
  await host.start('brisk', {}, { id: 'b' })
  await call('a', 'askAndBurn', { to: 'b', ms: 600 })
  t.match(await host.nodes(), [{ restarts: 0 }])
})

t.test('who goes on after it has waited, and costs its thread, is charged and nobody else', async (t) => {
  const { start, call } = await openHost(t, 1)
  await start('a')
  await start('b')
  for (let i = 0; i < 4; i++) await t.rejects(call('a', 'askAndLeave', { to: 'b' }), { code: 'server_crashed' })
  await t.rejects(call('a', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
})

t.test('who only looks, and goes on after it has waited, is charged too', async (t) => {
  const { start, call } = await openHost(t, 1)
  await start('a')
  await start('b')
  for (let i = 0; i < 4; i++) await t.rejects(call('a', 'lookAndLeave', { to: 'b' }), { code: 'server_crashed' })
  await t.rejects(call('a', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
})

t.test('a redact that does not come back for whoever watches is charged to its server', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await host.start('brisk', { loopsIn: 'redact' }, { id: 'r' })
  for (let i = 0; i < 4; i++) {
    await call('b', 'add')
    await t.rejects(async () => host.watch('r', () => {}, { onState: () => {} }), { code: 'restarting' })
  }
  await t.rejects(call('r', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
})

t.test('what a schema does not come back from that judges an order is charged to nobody', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 2000 })
  await start('b')
  await host.start('brisk', {}, { id: 'r', labels: ['w'] })
  const word = `${'a'.repeat(60)}!`
  const key = { scope: 's', key: 'k', fingerprint: '', expires: 1e15 }
  const lost = { code: 'restarting', effect: 'none' }
  await call('b', 'add')
  await t.rejects(host.keepCall('r', 'say', { word }, { key }), lost)
  await call('b', 'add')
  await t.rejects(async () => host.replaceState('r', { count: 0, word }), lost)
  await call('b', 'add')
  t.match(await host.castGroup('w', 'spell', { word }), { sent: 0, failures: [{ id: 'r' }] })
  await call('b', 'add')
  t.match(await host.callGroup('w', 'say', { word }), { failures: [{ id: 'r' }] })
  t.match([await call('b', 'add'), await call('r', 'add')], [1, 1])
  t.match(await host.nodes(), [{ restarts: 4, servers: 2 }])
  t.match([(await host.crashes('b')).length, (await host.crashes('r')).length], [0, 0])
})

t.test('what a lost thread may have kept by then is told so', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await start('r')
  const looping = t.rejects(call('b', 'loop'), { code: 'server_crashed' })
  await Promise.all([
    looping,
    t.rejects(async () => host.replaceState('r', { count: 0 }), { code: 'restarting', effect: 'unknown' }),
    t.rejects(async () => host.cancelTimer('r', 't1'), { code: 'restarting', effect: 'unknown' }),
    t.rejects(async () => host.suspend('r'), { code: 'restarting', effect: 'none' }),
  ])
})

t.test('a redact that does not come back is charged to its server, and not to whoever was taken last', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await host.start('brisk', { loopsIn: 'redact' }, { id: 'r' })
  for (let i = 0; i < 4; i++) {
    await call('b', 'add')
    await t.rejects(async () => host.state('r'), { code: 'restarting' })
  }
  await t.rejects(call('r', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
})

t.test('a message at whose schema a thread gets stuck is not brought again, and nobody is charged', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await host.start('brisk', {}, { id: 'r' })
  const word = `${'a'.repeat(60)}!`
  const spell = (options = {}) => Promise.resolve(host.cast('r', 'spell', { word }, options))
  for (let i = 0; i < 4; i++) await t.rejects(spell(), { code: 'server_crashed', effect: 'none' })
  t.match(await call('r', 'add'), 1)
  await t.rejects(host.start('brisk', { word }, { id: 'x' }), { code: 'init_crashed' })
  await t.rejects(host.getOrStart('brisk', { word }, { id: 'x' }), { code: 'init_crashed' })
  await t.rejects(call('x', 'add'), { code: 'unknown_server' })
  t.equal(await call('b', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 6, servers: 2 }])
})

t.test('an order to stop from which a server does not come back is carried out', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await host.start('brisk', { loopsIn: 'terminate' }, { id: 'r' })
  await host.stop('r', { timeout: 60_000 })
  await t.rejects(call('r', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 1, servers: 1 }])
})

const child = (id: string, args = {}, implementation = 'actor') => ({ id, implementation, args })

t.test(
  'a child that costs its thread is charged to the supervisor at the top, and the tree ends in the end',
  async (t) => {
    const { host, start, call, logged } = await openHost(t, 1)
    await start('b')
    const branch = { id: 'branch', implementation: 'supervisor', args: { children: [child('c'), child('d')] } }
    await host.start('supervisor', { children: [branch] }, { id: 'top' })
    for (let i = 0; i < 4; i++) {
      // It begins again when its supervisor does, some time after the thread.
      await eventually(async () => (await call('d', 'add').catch(() => 0)) !== 0)
      await t.rejects(call('c', 'leave'), { code: 'server_crashed' })
      t.match(await host.crashes('c'), [{ message: 'leave' }])
    }
    await t.rejects(call('top', 'whichChildren'), killed)
    t.equal(await call('b', 'add'), 1)
    t.match(await host.info('b'), { restarts: 4 })
    t.ok(logged.some(({ message }) => message === 'top has cost its node too often and is given up'))
  },
)

t.test('so is one whose thread is lost before anybody has heard that it has its id', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 200 })
  const trap = join(t.testdir(), 'trap')
  await start('b')
  await host.start('supervisor', { children: [child('c', { loopsBeside: trap })] }, { id: 'top' })
  writeFileSync(trap, '')
  await t.rejects(call('c', 'leave'), { code: 'server_crashed' })
  await eventually(() =>
    call('top', 'whichChildren').then(
      () => false,
      ({ code }) => code === 'server_exited',
    ),
  )
  t.equal(await call('b', 'add'), 1)
  t.match(await host.info('b'), { restarts: 4 })
})

t.test('an order to stop a tree is carried out also where one below does not come back from its own', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  const branch = {
    id: 'branch',
    implementation: 'supervisor',
    args: { children: [child('r', { loopsIn: 'terminate' }, 'brisk')] },
  }
  await host.start('supervisor', { children: [branch] }, { id: 'top' })
  await host.stop('top', { timeout: 60_000 })
  await t.rejects(call('top', 'whichChildren'), killed)
  await t.rejects(call('r', 'add'), killed)
  t.equal(await call('b', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 1, servers: 1 }])
})
