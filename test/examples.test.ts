/** What README.md and docs/ show is what happens: their examples are run (test/examples/markdown.ts has the convention). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { reloadOnRequest } from '../src/cli/reloading.js'
import { createGateway } from '../src/gateway.js'
import { bundledDirectory } from '../src/loading/bundled-directory.js'
import { createRuntimeOf, loadImplementations } from '../src/loading/load-implementations.js'
import { reloadImplementation } from '../src/loading/reload.js'
import { MemoryStore } from '../src/stores/memory-store.js'
import { type Answer, differences } from './examples/compare-answer.js'
import { parseCurl } from './examples/curl.js'
import { curlExamplesOf, implementationExamplesOf } from './examples/markdown.js'
import { readsStream, streamDifferences } from './examples/streams.js'
import { readProjectFile, readSources } from './house/source-files.js'

/** Starts a gateway with the bundled implementations and those that a document shows. */
async function startGateway(t: Test, markdown: string) {
  const directory = mkdtempSync(join(tmpdir(), 'genservers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const shown = implementationExamplesOf(markdown).filter(({ isQuoted }) => !isQuoted)
  const isFirst = ({ fileName }: { fileName: string }, at: number) =>
    at === shown.findIndex((e) => e.fileName === fileName)
  for (const { fileName, text } of shown.filter(isFirst)) writeFileSync(join(directory, fileName), text)
  /** A file that is shown again has changed when the examples have come that far. */
  const changed = shown.filter((each, at) => !isFirst(each, at))
  const reach = (line: number) => {
    while (changed[0] !== undefined && changed[0].line < line) {
      const { fileName, text } = changed.shift() as (typeof shown)[number]
      writeFileSync(join(directory, fileName), text)
    }
  }
  const directories = shown.length > 0 ? [bundledDirectory, directory] : [bundledDirectory]
  const implementations = await loadImplementations(directories)
  const runtime = createRuntimeOf(implementations, { store: new MemoryStore() })
  const gateway = await createGateway(runtime, {
    reload: reloadOnRequest((name, options) => reloadImplementation(runtime, implementations, name, options)),
  })
  const close = async () => {
    await runtime.close({ timeout: 0 })
    await gateway.close()
  }
  t.teardown(close)
  return { host: new URL(await gateway.listen({ host: '127.0.0.1', port: 0 })).host, reach, close }
}

async function send(command: string, host: string): Promise<Answer> {
  const response = await ask(command, host)
  return { status: response.status, headers: new Map(response.headers), body: await response.text() }
}

async function ask(command: string, host: string): Promise<Response> {
  const { url, method, headers, body } = parseCurl(command)
  const address = url.replace('http://localhost:3000', `http://${host}`)
  if (address === url) throw new Error(`an example goes to localhost:3000, and nowhere else: ${command}`)
  return fetch(address, { method, headers, ...(body === undefined ? {} : { body }) })
}

/** What is wrong with the examples of a document, as sentences. */
async function faultsOf(t: Test, markdown: string): Promise<string[]> {
  const faults: string[] = []
  for (const { line, fileName, text, isQuoted } of implementationExamplesOf(markdown)) {
    if (isQuoted && readProjectFile(`implementations/${fileName}`) !== text) {
      faults.push(`line ${line}: it is not what implementations/${fileName} says`)
    }
  }
  const examples = curlExamplesOf(markdown)
  if (examples.length === 0) return faults
  const { host, reach, close } = await startGateway(t, markdown)
  const streams: { readonly line: number; readonly text: Promise<string>; readonly shown: string }[] = []
  for (const { line, command, answer } of examples) {
    reach(line)
    if (readsStream(command)) {
      const response = await ask(command, host)
      streams.push({ line, text: response.text(), shown: answer?.text ?? '' })
      continue
    }
    faults.push(...differences(await send(command, host), answer).map((fault) => `line ${line}: ${fault}`))
  }
  await close()
  for (const { line, text, shown } of streams) {
    faults.push(...streamDifferences(await text, shown).map((fault) => `line ${line}: ${fault}`))
  }
  return faults
}

const documents = new Map([['README.md', readProjectFile('README.md')], ...readSources(['docs'], '.md')])

for (const [path, markdown] of documents) {
  t.test(`the examples in ${path} do what it says`, async (t) => {
    t.same(await faultsOf(t, markdown), [])
  })
}

t.test('README.md shows a session', async (t) => {
  t.ok(curlExamplesOf(documents.get('README.md') as string).length > 1)
})

const tally = `\`\`\`ts
// implementations/tally.ts
import { Type, defineServer } from 'genservers'

export default defineServer({
  state: Type.Object({ total: Type.Integer() }),
  calls: { total: { reply: Type.Integer() } },
  init: () => ({ total: 7 }),
  handleCall: { total: (state) => state.total },
})
\`\`\`
`

const spawn = `\`\`\`sh
# a comment
curl -s --json '{"implementation":"tally","id":"t"}' \\
  localhost:3000/servers
\`\`\`
`

const call = `\`\`\`sh
curl localhost:3000/servers/t/call --json '{"message":"total"}'
\`\`\`
`

const shown = (language: string, text: string) => `\`\`\`${language}\n${text}\n\`\`\`\n`

t.test('an example that is right passes, also with what it leaves open', async (t) => {
  const created = 'HTTP/1.1 201 Created\nlocation: /servers/t\n\n{"id": "t", "startedAt": "..."}'
  const page = `${tally}${spawn}${shown('http', created)}${call}${shown('json', '{"reply": 7}')}`
  t.same(await faultsOf(t, `${page}${call.replace('\n```', '\n# {"reply":7}\n```')}`), [])
})

t.test('an example that is wrong is found: body, status, header, key, failure, implementation', async (t) => {
  for (const [example, fault] of [
    [`${call}${shown('json', '{"reply": 8}')}`, /^line 18: the body is {"reply":7}, not {"reply": 8}$/],
    [`${call}${shown('json', '{"reply": 7, "more": "..."}')}`, /^line 18: the body is/],
    [`${call}${shown('json', '[7]')}`, /^line 18: the body is/],
    [call.replace('\n```', '\n# {"reply":8}\n```'), /^line 18: the body is {"reply":7}, not {"reply":8}$/],
    [`${call}${shown('http', 'HTTP/1.1 201 Created')}`, /^line 18: the status is 200/],
    [`${call}${shown('http', 'HTTP/1.1 200 OK\netag: "9"')}`, /^line 18: the header etag is "/],
    [call.replace('total', 'sum'), /^line 18: it failed with 404: /],
  ] as const) {
    await t.test(String(fault), async (t) => {
      t.match(await faultsOf(t, `${tally}${spawn}${example}`), [fault])
    })
  }
  const quoted = `This is [it](implementations/stack.ts):\n\n${shown('ts', 'export default 5')}`
  t.same(await faultsOf(t, quoted), ['line 4: it is not what implementations/stack.ts says'])
})

t.test('an example of a stream is read beside what follows it, and one that is wrong is found', async (t) => {
  const watch = '```sh\ncurl -sN localhost:3000/servers/t/events\n```\n'
  const end = '```sh\ncurl -X DELETE localhost:3000/servers/t\n```\n'
  const exit = (reason: string) => shown('sse', `id: ...\nevent: exit\ndata: {"reason":"${reason}","at":"..."}`)
  t.same(await faultsOf(t, `${tally}${spawn}${watch}${exit('normal')}${end}`), [])
  t.match(await faultsOf(t, `${tally}${spawn}${watch}${exit('killed')}${end}`), [/^line 18: the stream has no\nid: /])
})

t.test('an example that cannot be understood is refused, not skipped', async (t) => {
  for (const command of ['curl --upload-file x localhost:3000/', 'curl localhost:3000/ | jq .', 'curl -H', 'curl']) {
    t.throws(() => parseCurl(command))
  }
  await t.rejects(send('curl example.org/servers', 'localhost:1'), { message: /goes to localhost:3000/ })
  t.throws(() => curlExamplesOf('```sh\ncurl localhost:3000/servers\nls\n```\n'), { message: /holds other commands/ })
  t.throws(() => curlExamplesOf('```sh\ncurl localhost:3000/servers\n'), { message: /has no end/ })
})
