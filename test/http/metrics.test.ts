import t from 'tap'
import { openGateway } from './open-gateway.js'

t.test('requests are counted by route pattern and status, never by id', async (t) => {
  const { ask } = await openGateway(t)
  for (const id of ['a', 'b', 'c']) await ask('GET', `/servers/${id}`)
  await ask('GET', '/servers/a', undefined, { accept: 'text/html' })
  await ask('HEAD', '/servers/a')
  await ask('POST', '/implementations/probe/servers?id=a')
  await ask('POST', '/implementations/probe/servers/a/call/ping')
  const { text, headers } = await ask('GET', '/metrics')
  t.match(headers['content-type'], 'text/plain; version=0.0.4')
  const counted = text.split('\n').filter((line) => line.startsWith('genservers_http_requests_total{'))
  t.same(counted.sort(), [
    'genservers_http_requests_total{method="GET",route="/servers/:id",status="404"} 3',
    'genservers_http_requests_total{method="GET",route="/servers/:id",status="406"} 1',
    'genservers_http_requests_total{method="HEAD",route="/servers/:id",status="404"} 1',
    'genservers_http_requests_total{method="POST",route="/implementations/probe/servers",status="201"} 1',
    'genservers_http_requests_total{method="POST",route="/implementations/probe/servers/:id/call/ping",status="200"} 1',
  ])
})

t.test('durations are a histogram whose buckets add up', async (t) => {
  const { ask } = await openGateway(t)
  for (let i = 0; i < 5; i++) await ask('GET', '/servers')
  const { text } = await ask('GET', '/metrics')
  t.match(text, '# TYPE genservers_http_request_duration_seconds histogram')
  const value = (line: string) =>
    Number(
      text
        .split('\n')
        .find((found) => found.startsWith(line))
        ?.split(' ')[1],
    )
  const name = 'genservers_http_request_duration_seconds'
  t.equal(value(`${name}_bucket{le="+Inf",method="GET",route="/servers"}`), 5)
  t.equal(value(`${name}_bucket{le="60",method="GET",route="/servers"}`), 5)
  t.equal(value(`${name}_count{method="GET",route="/servers"}`), 5)
  t.ok(value(`${name}_sum{method="GET",route="/servers"}`) > 0)
})

t.test('problems are counted by code', async (t) => {
  const { ask } = await openGateway(t)
  await ask('GET', '/servers/a')
  await ask('GET', '/servers/a')
  await ask('GET', '/nowhere')
  const { text } = await ask('GET', '/metrics')
  t.match(text, 'genservers_problems_total{code="unknown_server"} 2\n')
  t.match(text, 'genservers_problems_total{code="unknown_route"} 1\n')
})

t.test('servers are counted by implementation and status, and never by id', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  const counted = async () =>
    (await ask('GET', '/metrics')).text.split('\n').filter((line) => line.startsWith('genservers_servers{'))
  t.same(await counted(), [])
  for (const id of ['a', 'b', 'c']) await start(id)
  await runtime.start('supervisor', {}, { id: 's' })
  runtime.suspend('b')
  t.same((await counted()).sort(), [
    'genservers_servers{implementation="probe",status="running"} 2',
    'genservers_servers{implementation="probe",status="suspended"} 1',
    'genservers_servers{implementation="supervisor",status="running"} 1',
  ])
  for (const id of ['a', 'b', 'c', 's']) runtime.kill(id)
  t.same(await counted(), [], 'what is no more is not told')
})

t.test('the process is measured', async (t) => {
  const { ask } = await openGateway(t)
  const { text } = await ask('GET', '/metrics')
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_heap_size_used_bytes']) {
    t.match(text, new RegExp(`^${name} [1-9]`, 'm'))
  }
  t.match(text, /^genservers_event_loop_delay_max_seconds \d/m)
})
