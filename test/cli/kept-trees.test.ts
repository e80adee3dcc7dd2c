/** Trees of the program after `kill -9`, with and without a file that declares one. Real processes, real signals. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startGateway } from './gateway-process.js'

t.setTimeout(240_000)

const implementations = fileURLToPath(new URL('../threads/durable', import.meta.url))
const ledger = (id: string) => ({ id, implementation: 'ledger' })

async function gateway(t: Test, data: string, args: readonly string[]) {
  const { url, child, ended, line } = await startGateway(t, [
    '--data',
    data,
    '--implementations',
    implementations,
    ...args,
  ])
  const ask = async (method: string, path: string, body?: object) => {
    const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, ...json })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
  }
  const call = async (id: string, message: string, args?: object) => {
    const { body } = await ask('POST', `/servers/${id}/call`, { message, ...(args && { args }) })
    return (body as { reply: unknown }).reply
  }
  const children = async (id: string) => {
    const { children } = (await call(id, 'whichChildren')) as { children: { id: string; status: string }[] }
    return children.reverse().map((child) => `${child.id} ${child.status}`)
  }
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return { ask, call, children, kill, line }
}

for (const threads of ['0', '2']) {
  t.test(`with ${threads} threads a tree is there again after kill -9, and after an ordered end`, async (t) => {
    const data = join(t.testdir(), 'data')
    const args = ['--threads', threads]
    const first = await gateway(t, data, args)
    const branch = { id: 'branch', implementation: 'supervisor', args: { children: [ledger('leaf')] } }
    const top = {
      implementation: 'supervisor',
      id: 'top',
      args: { strategy: 'oneForAll', children: [ledger('a'), branch] },
    }
    t.equal((await first.ask('POST', '/servers', top)).status, 201)
    t.equal((await first.ask('POST', '/servers', { ...ledger('b'), supervisor: 'top', labels: ['vip'] })).status, 201)
    t.match(await first.call('branch', 'startChild', ledger('twig')), { status: 'running' })
    for (const [n, id] of ['a', 'b', 'leaf', 'twig'].entries()) await first.call(id, 'add', { amount: n + 1 })
    t.equal((await first.ask('POST', '/servers/b/cast', { message: 'credit', args: { amount: 40 } })).status, 202)
    t.equal((await first.ask('DELETE', '/servers/twig')).status, 204)
    await first.kill('SIGKILL')

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const next = await gateway(t, data, args)
      t.same(await next.children('top'), ['a running', 'branch running', 'b running'])
      t.same(await next.children('branch'), ['leaf running', 'twig stopped'])
      t.same(await Promise.all(['a', 'b', 'leaf'].map((id) => next.call(id, 'look'))), [1, 42, 3])
      t.match(await next.ask('GET', '/servers/b'), { body: { supervisor: 'top', labels: ['vip'], incarnation: 1 } })
      await next.kill(signal)
    }

    const file = join(t.testdirName, 'tree.json')
    const declared = { ...top, args: { children: [ledger('new'), ledger('b')] } }
    writeFileSync(file, JSON.stringify({ servers: [declared] }))
    for (let n = 0; n < 2; n++) {
      const last = await gateway(t, data, [...args, '--servers', file])
      t.same(await last.children('top'), ['new running', 'b running', 'a running'], 'what the file says holds')
      t.same(await Promise.all(['a', 'b', 'leaf'].map((id) => last.call(id, 'look'))), [1, 42, 3])
      t.match(await last.ask('GET', '/servers/leaf'), { body: { supervisor: null } })
      await last.kill('SIGKILL')
    }
  })
}
