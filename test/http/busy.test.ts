/** A handler that holds the thread: everybody waits, which can be seen, and nobody's answer is lost or given twice. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createRuntime, defineServer, systemClock, Type } from 'genservers'
import t from 'tap'
import { createGateway } from '../../src/gateway.js'
import { pause } from '../core/running.js'
import { spinner } from './spinner.js'

const patient = defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: {
    nap: { args: Type.Object({ ms: Type.Integer() }), reply: Type.Integer() },
    count: { reply: Type.Integer() },
  },
  init: () => ({ count: 0 }),
  handleCall: {
    nap: async (state, { ms }) => {
      await pause(systemClock, ms)
      return ++state.count
    },
    count: (state) => state.count,
  },
})

t.test(
  'X7: a handler that holds the thread is seen in the metrics; calls that it made late time out, once',
  async (t) => {
    const runtime = createRuntime({ implementations: { busy: spinner, patient } })
    const app = await createGateway(runtime, { docs: false })
    t.teardown(async () => {
      await runtime.close()
      await app.close()
    })
    await runtime.start('busy', {}, { id: 'busy' })
    const call = async (id: string, message: string, args: object, timeout: number) => {
      const { statusCode, json } = await app.inject({
        method: 'POST',
        url: `/servers/${id}/call`,
        payload: { message, args, timeout },
      })
      return [statusCode, json().code ?? json().reply]
    }
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) await runtime.start('patient', {}, { id })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    // As the gateway measures it: by a timer, and from when that has run once. To read the metrics begins that anew.
    const delay = monitorEventLoopDelay({ resolution: 20 })
    delay.enable()
    t.teardown(() => delay.disable())
    while (delay.count === 0) await turn()
    const late = ids.map((id) => call(id, 'nap', { ms: 500 }, 100))
    // They are at it, and nobody's time is over.
    while (ids.some((id) => runtime.info(id).current === null)) await turn()
    const spinning = call('busy', 'spin', { ms: 300 }, 5000)
    t.same(
      await Promise.all(late),
      ids.map(() => [504, 'call_timeout']),
    )
    t.same(await spinning, [200, null])
    // That timer may be due only after the ones that told the callers.
    while (delay.max < 0.2e9) await turn()
    const { body } = await app.inject({ url: '/metrics' })
    const told = Number(/^genservers_event_loop_delay_max_seconds (\S+)$/m.exec(body)?.[1])
    t.ok(told >= 0.2, `${told} s`)
    t.match(body, 'genservers_problems_total{code="call_timeout"} 4\n', 'each is told once')
    for (const id of ids) t.same(await call(id, 'count', {}, 5000), [200, 1], 'what ran went on (OTP)')
  },
)
