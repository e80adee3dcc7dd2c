/** The program is started again with newer code while durable servers are kept. Real processes, real kills. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runProgram, startGateway } from './gateway-process.js'

const account = (version: number, state: string, codeChange = '') => `import { defineServer, Type } from 'genservers'
export default defineServer({
  durable: true,
  version: ${version},
  state: Type.Object({ ${state} }),
  calls: { pay: { reply: Type.Unknown() } },
  init: () => ({ balance: 100, currency: 'EUR' }),
  handleCall: { pay: (state) => { state.balance -= 30; return state } },
  ${codeChange}
})
`
const BALANCE = 'balance: Type.Integer()'
const first = account(1, BALANCE)
const second = (codeChange: string) => account(2, `${BALANCE}, currency: Type.String()`, codeChange)

const post = async (url: string, body: object) => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await answer.json()) as { readonly reply?: unknown }
}

t.test(
  'after a kill newer code goes on with what is kept; what it cannot go on with it leaves to the older',
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'genservers-test-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const write = (text: string) => writeFileSync(join(directory, 'account.ts'), text)
    const flags = ['--implementations', directory, '--data', join(directory, 'data')]
    const start = (threads: number) => startGateway(t, [...flags, '--threads', String(threads)])
    const pay = (url: string, id: string) => post(`${url}/servers/${id}/call`, { message: 'pay' })
    write(first)
    const before = await start(0)
    for (const id of ['ada', 'bob']) await post(`${before.url}/servers`, { implementation: 'account', id })
    t.match(await pay(before.url, 'ada'), { reply: { balance: 70 } })
    before.child.kill('SIGKILL')
    await before.ended

    write(
      second(
        "codeChange: (old) => { if (old.balance < 100) throw new Error('it owes'); return { ...old, currency: 'EUR' } },",
      ),
    )
    const refused = await runProgram(t, ['--port', '0', ...flags]).ended
    t.equal(refused.code, 1)
    t.equal(
      refused.stderr,
      'genservers: ada is kept by version 1 of account, and cannot be taken to version 2: it owes\n',
    )

    write(first)
    const again = await start(0)
    t.match(await pay(again.url, 'ada'), { reply: { balance: 40 } })
    again.child.kill('SIGKILL')
    await again.ended

    write(second("codeChange: (old) => ({ ...old, currency: 'EUR' }),"))
    const newer = await start(1)
    t.match(await (await fetch(`${newer.url}/servers/bob`)).json(), { version: 2, handled: 0 })
    const state = await (await fetch(`${newer.url}/servers/bob/state`)).json()
    t.match(state, { state: { balance: 100, currency: 'EUR' }, revision: 2 })
    t.same(await pay(newer.url, 'ada'), { reply: { balance: 10, currency: 'EUR' } })
    newer.child.kill('SIGTERM')
    t.match(await newer.ended, { code: 0, stderr: '' })
  },
)
