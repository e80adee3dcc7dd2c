/** Where servers are, where all share one thread. */
import t from 'tap'
import { openGateway } from './open-gateway.js'

t.test('GET /nodes tells of the one node that there is, and each server tells that it is there', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('a')
  await start('b')
  await ask('POST', '/servers/a/suspend')
  await ask('POST', '/servers/a/cast', { message: 'note' })
  const { statusCode, body } = await ask('GET', '/nodes')
  t.equal(statusCode, 200)
  const [node] = body.nodes
  t.match(node, { node: 'main', ready: true, restarts: 0, servers: 2, current: null })
  t.equal(body.nodes.length, 1)
  t.equal((await ask('GET', '/servers/a')).body.node, 'main')
})
